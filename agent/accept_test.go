package agent

import (
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

// TestNotAccepted: the start of an order is prepared while the journal takes it. If it does not, nothing is
// executed and nothing is left.
func TestNotAccepted(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	must(t, r.agent.Journal.Close())
	o := r.order("o", "pass")
	s.Send(t, o)
	if m := linktest.Expect[*wire.Refused](t, s); m.Ref != o.Ref || m.Reason != wire.ReasonUnfit {
		t.Errorf("refused: %+v", m)
	}
	if n := r.starts("o"); n != 0 {
		t.Errorf("started %d times", n)
	}
	if _, err := os.Lstat(filepath.Join(r.dir, "jobs", o.Ref.String())); !os.IsNotExist(err) {
		t.Errorf("the job's folder is left: %v", err)
	}
	if entries := r.agent.Journal.Entries(); len(entries) != 0 {
		t.Errorf("the journal has %d entries", len(entries))
	}
	r.cancel()
	<-r.done // with the complaint that the journal is closed already
	r.cancel = nil
}

// TestUsedUpBeforeAccepted: an agent that died while it accepted an order may have left a folder that its shim
// had claimed. Nobody can tell it from one in which an App ran, so the order is given back, and the folder stays.
func TestUsedUpBeforeAccepted(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "pass")
	claimed := filepath.Join(r.dir, "jobs", o.Ref.String(), "shim")
	must(t, os.MkdirAll(claimed, 0o755))
	must(t, os.WriteFile(filepath.Join(claimed, "state"), []byte("{}"), 0o600))
	s.Send(t, o)
	m := r.result(s, o.Ref, wire.Failed)
	if !m.Returned || m.Error != job.CodeClaimed {
		t.Errorf("result: %+v", m)
	}
	if n := r.starts("o"); n != 0 {
		t.Errorf("started %d times", n)
	}
	if _, err := os.Lstat(filepath.Join(claimed, "state")); err != nil {
		t.Errorf("the folder of another start is gone: %v", err)
	}
	if p := r.agent.fitness.Problem(); p != nil {
		t.Errorf("the host is taken for unfit: %+v", p)
	}
	again := r.order("o", "pass")
	again.Ref.Attempt = 2
	s.Send(t, again)
	r.result(s, again.Ref, wire.Succeeded)
}
