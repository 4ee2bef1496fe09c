package agent

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/disk"
)

// TestAnyFileDamaged: whichever file of the agent's job side is damaged while an App runs and a
// result waits for the cloud, the next agent tells both results, and the App was started once.
func TestAnyFileDamaged(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	n := 0
	for _, file := range []string{
		"journal/journal.0", "journal/journal.1", "journal/journal.*", "journal/copies/RUNS", "journal/copies/WAITS",
		"jobs/RUNS/shim/state", "jobs/RUNS/shim/exit.reserve", "jobs/WAITS/shim/state", "jobs/WAITS/shim/exit",
	} {
		for name, damage := range disk.Damages {
			n++
			waits := r.order("waits", "pass")
			waits.Attempt = wire.Attempt(n)
			s.Send(t, waits)
			for linktest.Expect[*wire.Result](t, s).Ref != waits.Ref { // not acknowledged
			}
			runs := r.order("runs", "")
			runs.Attempt = wire.Attempt(n)
			do, open := r.gate(runs.Ref.String())
			runs.Params["do"] = do
			s.Send(t, runs)
			running(s, t)
			at := strings.NewReplacer("RUNS", runs.Ref.String(), "WAITS", waits.Ref.String()).Replace(file)
			r.eventually("the shim says that it runs", func() bool {
				b, err := os.ReadFile(filepath.Join(r.dir, "jobs", runs.Ref.String(), "shim", "state"))
				return err == nil && strings.Contains(string(b), `"running"`)
			})
			files, err := filepath.Glob(filepath.Join(r.dir, at))
			if err != nil || len(files) == 0 {
				t.Fatalf("%s %s: %v", name, file, err)
			}
			for _, f := range files {
				if err := damage(f); err != nil {
					t.Fatalf("%s %s: %v", name, file, err)
				}
			}
			r.stop()
			s = r.start()
			if len(s.Hello.Orders) != 1 || s.Hello.Orders[0].Ref != runs.Ref || s.Hello.Orders[0].State != wire.StateRunning || len(s.Hello.Results) != 1 {
				t.Errorf("%s %s: hello with %+v, %v", name, file, s.Hello.Orders, s.Hello.Results)
			}
			r.result(s, waits.Ref, wire.Succeeded)
			open()
			r.result(s, runs.Ref, wire.Succeeded)
			if got := r.starts("runs"); got != n {
				t.Fatalf("%s %s: %d starts of %d attempts", name, file, got, n)
			}
			r.eventually("nothing is left", func() bool { return len(r.agent.Journal.Entries()) == 0 })
		}
	}
}

// TestJournalGone: with all that the journal was, an App that runs is ended before the cloud can
// give its order again.
func TestJournalGone(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, _ := r.gated(s)
	p, err := r.agent.Jobs.Attach(filepath.Join(r.dir, "jobs", o.Ref.String()), job.Status{})
	must(t, err)
	r.stop()
	must(t, os.RemoveAll(filepath.Join(r.dir, "journal")))
	s = r.start()
	if exit, ok, err := job.ReadExit(p.Dir()); !ok || exit.Reason != job.ReasonCancelled || len(s.Hello.Orders) != 0 {
		t.Fatalf("in the session the App runs still: %+v, %v, hello %v", exit, err, s.Hello.Orders)
	}
	for _, line := range []string{
		"ended a job of which the journal knows nothing", `msg="the journal was gone and was made anew" orders=2`,
		"order=" + o.Ref.String() + ` found="its App ended with exit code -1 (cancelled)"`,
	} {
		if !strings.Contains(r.log.String(), line) {
			t.Errorf("the log does not say %q:\n%s", line, r.log.String())
		}
	}
	if d := r.agent.Status().JournalLoss; !strings.HasPrefix(d, "the journal was gone and was made anew: job folders of 2 orders are left") || !strings.Contains(d, o.Ref.String()) {
		t.Errorf("the status says %q", d)
	}
	again := r.order("o", "pass")
	again.Attempt = 2
	s.Send(t, again)
	r.result(s, again.Ref, wire.Succeeded)
	r.stop()
	r.start()
	if d := r.agent.Status().JournalLoss; d != "" {
		t.Errorf("the next agent says so again: %s", d)
	}
}

// TestCloneLeavesTheOriginalAlone: an agent that starts in a copy of another's home, on the same
// host, neither ends nor starts nor reports what runs there.
func TestCloneLeavesTheOriginalAlone(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, open := r.gated(s)
	held := r.order("held", "pass")
	held.App.SHA256 = wire.SHA256(strings.Repeat("b", 64)) // not installed: it waits in the journal
	r.cloud.block = make(chan struct{})
	s.Send(t, held)
	linktest.Expect[*wire.Accepted](t, s)

	clone := newRig(t)
	clone.cloud.ref = r.cloud.ref
	if out, err := exec.Command("cp", "-a", r.dir+"/.", clone.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := clone.start()
	if len(c.Hello.Orders) != 0 {
		t.Errorf("the clone says that it has %+v", c.Hello.Orders)
	}
	c.Send(t, &wire.Cancel{Ref: o.Ref}) // as for a fenced order
	if m := linktest.Expect[*wire.Refused](t, c); m.Reason != wire.ReasonUnknown {
		t.Errorf("the clone answers %+v", m)
	}
	if d := clone.agent.Status().JournalDamage; d != "" {
		t.Errorf("a copied journal counts as damaged: %s", d)
	}
	clone.stop()
	open()
	r.result(s, o.Ref, wire.Succeeded)
	if n := r.starts("o"); n != 1 {
		t.Errorf("started %d times", n)
	}
	close(r.cloud.block)
}

// TestNotedAndNotStarted: the last agent ended between its note and its Go. The order starts once,
// with what it came with.
func TestNotedAndNotStarted(t *testing.T) {
	for name, stopped := range map[string]bool{"its shim has ended": false, "its shim is slow to give up": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.start()
			r.warm(s)
			o := r.order("o", "pass")
			jobs := r.agent.Jobs
			die := func(job.Status) { r.cancel() }
			if stopped {
				if runtime.GOOS != "linux" {
					t.Skip("stopping a process takes Linux here")
				}
				die = func(s job.Status) {
					shim, err := os.FindProcess(s.ShimPID)
					must(t, errors.Join(err, shim.Signal(syscall.Signal(19)))) // SIGSTOP
					// Until the next agent has found it, which is not told of before it decides.
					t.Cleanup(func() { _ = shim.Signal(syscall.Signal(18)) }) // SIGCONT
					time.AfterFunc(4*time.Second, func() { _ = shim.Signal(syscall.Signal(18)) })
					r.cancel()
				}
			}
			r.agent.common.Jobs = diesBeforeGo{jobs, die}
			s.Send(t, o)
			<-r.done
			r.cancel = nil
			s = r.start()
			if len(s.Hello.Orders) != 1 {
				t.Fatalf("hello: %+v", s.Hello.Orders)
			}
			linktest.Expect[*wire.Ready](t, s)
			s.Send(t, &wire.Start{Ref: o.Ref})
			r.result(s, o.Ref, wire.Succeeded)
			if n := r.starts("o"); n != 1 {
				t.Errorf("started %d times", n)
			}
		})
	}
}

// diesBeforeGo is a host on which the agent is ended as soon as it has noted a start.
type diesBeforeGo struct {
	Jobs
	die func(job.Status)
}

func (d diesBeforeGo) StartNoted(ctx context.Context, l job.Launch, note func(job.Status) error) (*job.Process, error) {
	return d.Jobs.StartNoted(ctx, l, func(s job.Status) error {
		if err := note(s); err != nil {
			return err
		}
		d.die(s)
		return errors.New("the agent is dead")
	})
}
