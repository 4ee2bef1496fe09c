package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
	"tcenvsvr/agent/order/journal"
)

func TestOrder(t *testing.T) {
	r := newRig(t)
	s := r.start()
	if s.Hello.Slots != r.slots || s.Hello.BootID != "boot-1" {
		t.Errorf("hello has %d slots on boot %q", s.Hello.Slots, s.Hello.BootID)
	}
	o := r.order("o1", `
open(value("tc_out_path") + "/message.tc", "w").write("all done\n")
open(value("tc_out_path") + "/results.tc", "w").write("answer = 42\n")
open(value("tc_out_path") + "/report.txt", "w").write("the report")
print("to stderr", file=sys.stderr)
sys.exit(3)`)
	s.Send(t, o)
	accepted := linktest.Expect[*wire.Accepted](t, s)
	if accepted.Ref != o.Ref || !accepted.Hold {
		t.Fatalf("accepted %+v; want hold, because the App is not here yet", accepted)
	}
	linktest.Expect[*wire.Ready](t, s)
	if n := r.starts("o1"); n != 0 {
		t.Fatal("a held order was started")
	}
	s.Send(t, &wire.Start{Ref: o.Ref})
	logs := map[wire.Stream]string{}
	var result *wire.Result
	for result == nil {
		switch m := s.Next(t).(type) {
		case *wire.Log:
			if int(m.Offset) != len(logs[m.Stream]) {
				t.Errorf("%s goes on at %d; want %d", m.Stream, m.Offset, len(logs[m.Stream]))
			}
			logs[m.Stream] += string(m.Data)
		case *wire.Result:
			result = m
		}
	}
	if result.Outcome != wire.Partial || result.ExitCode != 3 || result.Message != "all done" || result.Results["answer"] != "42" {
		t.Errorf("result %+v", result)
	}
	if len(result.Files) != 1 || result.Files[0].Name != "report.txt" || r.cloud.uploaded["o1.1/report.txt"] != "the report" {
		t.Errorf("files %+v, uploaded %v", result.Files, r.cloud.uploaded)
	}
	if logs[wire.Stdout] != "hello from the app\n" || logs[wire.Stderr] != "to stderr\n" {
		t.Errorf("logs before the result: %q", logs)
	}
	s.Send(t, &wire.ResultAck{Ref: o.Ref})
	r.eventually("the journal is empty", func() bool { return len(r.agent.Journal.Entries()) == 0 })

	// The second order of the same App needs no permission.
	o = r.order("o2", "pass")
	s.Send(t, o)
	if accepted := linktest.Expect[*wire.Accepted](t, s); accepted.Hold {
		t.Error("an installed App was held")
	}
	r.result(s, o.Ref, wire.Succeeded)
}

func TestRedelivery(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "time.sleep(1)")
	for range 3 { // at once: the first may not be in the journal yet when the second comes
		s.Send(t, o)
	}
	linktest.Expect[*wire.Accepted](t, s)
	first := linktest.Expect[*wire.Result](t, s)
	s.Send(t, o) // not acknowledged: answered from the journal
	linktest.Expect[*wire.Accepted](t, s)
	if again := linktest.Expect[*wire.Result](t, s); again.Ref != first.Ref {
		t.Errorf("result %v; want %v", again.Ref, first.Ref)
	}
	if n := r.starts("o"); n != 1 {
		t.Errorf("started %d times; want once", n)
	}
}

func TestOutcomes(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	for _, tc := range []struct {
		name, do string
		timeout  int64
		want     wire.Outcome
		message  string
	}{
		{"fails", "sys.exit(1)", 60_000, wire.Failed, ""},
		{"crashes", "raise ValueError('boom')", 60_000, wire.Failed, "ValueError: boom"},
		{"killed", "import signal; os.kill(os.getpid(), signal.SIGKILL)", 60_000, wire.Failed, ""},
		{"times out", "time.sleep(60)", 1_000, wire.TimedOut, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := r.order(strings.ReplaceAll(tc.name, " ", "-"), tc.do)
			o.TimeoutMS = tc.timeout
			s.Send(t, o)
			if got := r.result(s, o.Ref, tc.want); !strings.Contains(got.Message, tc.message) {
				t.Errorf("message %q; want %q in it", got.Message, tc.message)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "time.sleep(60)")
	s.Send(t, o)
	running(s, t)
	s.Send(t, &wire.Cancel{Ref: o.Ref, Reason: "not needed"})
	r.result(s, o.Ref, wire.Cancelled)

	unknown := wire.Ref{Order: "unknown", Attempt: 1}
	s.Send(t, &wire.Cancel{Ref: unknown})
	if m := linktest.Expect[*wire.Refused](t, s); m.Ref != unknown || m.Reason != wire.ReasonUnknown {
		t.Errorf("cancelling an unknown order: %+v", m)
	}
}

func TestHeldOrderIsRecalledOrCancelled(t *testing.T) {
	r := newRig(t)
	r.cloud.block = make(chan struct{})
	s := r.start()
	recalled, cancelled := r.order("recalled", "pass"), r.order("cancelled", "pass")
	for _, o := range []*wire.Order{recalled, cancelled} {
		s.Send(t, o)
		linktest.Expect[*wire.Accepted](t, s)
	}
	s.Send(t, &wire.Recall{Ref: recalled.Ref})
	if m := linktest.Expect[*wire.Recalled](t, s); !m.OK || m.Ref != recalled.Ref {
		t.Errorf("recall: %+v", m)
	}
	s.Send(t, &wire.Cancel{Ref: cancelled.Ref})
	r.result(s, cancelled.Ref, wire.Cancelled)
	close(r.cloud.block)
	r.warm(s)
	if r.starts("recalled")+r.starts("cancelled") != 0 {
		t.Error("an order that was taken back was started")
	}
}

func TestCredit(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	for i := range r.slots {
		s.Send(t, r.order(fmt.Sprint("busy", i), "time.sleep(60)"))
	}
	for range r.slots {
		running(s, t)
	}
	extra := r.order("extra", "pass")
	s.Send(t, extra)
	if m := linktest.Expect[*wire.Refused](t, s); m.Ref != extra.Ref || m.Reason != wire.ReasonNoCredit {
		t.Errorf("an order without credit: %+v", m)
	}
	for i := range r.slots {
		s.Send(t, &wire.Cancel{Ref: wire.Ref{Order: wire.OrderID(fmt.Sprint("busy", i)), Attempt: 1}})
	}
	granted := 0
	for granted < r.slots {
		granted += linktest.Expect[*wire.Credit](t, s).N
	}
	if granted != r.slots {
		t.Errorf("%d credits for %d free slots", granted, r.slots)
	}
}

// TestCreditIsNeverTooMuch gives an order for every credit as fast as it comes: the agent must be
// able to take what it has asked for.
func TestCreditIsNeverTooMuch(t *testing.T) {
	r := newRig(t)
	r.slots = 4
	r.python = filepath.Join(r.dir, "python3.11")
	must(t, os.Symlink("/bin/true", r.python))
	s := r.start()
	credit, given, ended := s.Hello.Slots, 0, 0
	const orders = 80
	for ended < orders {
		for ; credit > 0 && given < orders; credit, given = credit-1, given+1 {
			s.Send(t, r.order(fmt.Sprint("o", given), "pass"))
		}
		switch m := s.Next(t).(type) {
		case *wire.Credit:
			credit += m.N
		case *wire.Ready:
			s.Send(t, &wire.Start{Ref: m.Ref})
		case *wire.Refused:
			t.Fatalf("order %s was refused: %s", m.Ref, m.Reason)
		case *wire.Result:
			ended++
			s.Send(t, &wire.ResultAck{Ref: m.Ref})
		}
	}
}

func TestDrainAndDisk(t *testing.T) {
	r := newRig(t)
	s := r.start()
	s.Send(t, &wire.Control{Action: wire.ActionDrain})
	r.eventually("draining", func() bool { return r.agent.Status().Draining })
	for info := new(wire.Info); !info.Draining; { // said at once, not with the next round
		info = linktest.Expect[*wire.Info](t, s)
	}
	s.Send(t, r.order("o1", "pass"))
	if m := linktest.Expect[*wire.Refused](t, s); m.Reason != wire.ReasonDraining {
		t.Errorf("while draining: %+v", m)
	}
	s.Send(t, &wire.Control{Action: wire.ActionResume})
	linktest.Expect[*wire.Credit](t, s)
	r.host.mu.Lock()
	r.host.free = 1
	r.host.mu.Unlock()
	m := linktest.Expect[*wire.Info](t, s) // without an order
	for m.Unfit == nil {
		m = linktest.Expect[*wire.Info](t, s)
	}
	if m.Unfit.Code != fitness.NoSpace || m.FreeSlots != 0 {
		t.Errorf("on a full disk: %+v, %d free slots", m.Unfit, m.FreeSlots)
	}
	s.Send(t, r.order("o2", "pass"))
	if m := linktest.Expect[*wire.Refused](t, s); m.Reason != wire.ReasonUnfit || m.Message != fitness.NoSpace+": 0 MB are free for jobs, and 64 MB are kept in reserve" {
		t.Errorf("on a full disk: %+v", m)
	}
	r.host.mu.Lock()
	r.host.free, r.host.files = 1<<40, 255
	r.host.mu.Unlock()
	if err := r.agent.look(); fitness.Code(err) != fitness.NoSpace || err.Error() != "255 files (inodes) are free for jobs, and 256 are kept in reserve" {
		t.Errorf("without inodes: %v", err)
	}
	r.host.mu.Lock()
	r.host.free, r.host.files = 1<<40, 0
	r.host.mu.Unlock()
	for m := linktest.Expect[*wire.Info](t, s); m.Unfit != nil; {
		m = linktest.Expect[*wire.Info](t, s)
	}
	s.Send(t, r.order("o3", "pass"))
	linktest.Expect[*wire.Accepted](t, s)
}

func TestRestartIsAskedFor(t *testing.T) {
	r := newRig(t)
	s := r.start()
	s.Send(t, &wire.Control{Action: wire.ActionRestart})
	select {
	case err := <-r.done:
		if err == nil || !strings.Contains(err.Error(), ErrRestart.Error()) {
			t.Fatalf("Run = %v; want ErrRestart", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the agent did not stop")
	}
	r.cancel = nil
}

func TestRejectedApp(t *testing.T) {
	r := newRig(t)
	s := r.start()
	o := r.order("o", "pass")
	o.App.SHA256 = wire.SHA256(strings.Repeat("ab", 32))
	s.Send(t, o)
	m := r.result(s, o.Ref, wire.Rejected)
	if m.Error != "app.sha256_mismatch" {
		t.Errorf("error %q (%s)", m.Error, m.Message)
	}
	entries, err := os.ReadDir(filepath.Join(r.dir, "jobs"))
	if err == nil && len(entries) > 0 {
		t.Errorf("%d job folders of an App that was never there", len(entries))
	}
}

// TestAppThatIsNotThere: an answer that will not change ends the order at once, with the reason.
func TestAppThatIsNotThere(t *testing.T) {
	r := newRig(t)
	r.cloud.deny = &cloud.StatusError{Doing: "downloading App", Status: 404, Reason: "no such App"}
	s := r.start()
	o := r.order("o", "pass")
	s.Send(t, o)
	if m := r.result(s, o.Ref, wire.Failed); m.Error != "app.download" || !strings.Contains(m.Message, "404") {
		t.Errorf("error %q: %s", m.Error, m.Message)
	}
}

// TestUpkeep: what an order needs stays, whatever its age.
func TestUpkeep(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "time.sleep(60)")
	s.Send(t, o)
	running(s, t)
	r.agent.Sweep = func(ctx context.Context, age time.Duration, keep func(string) bool) error {
		return janitor.Janitor{Dir: filepath.Join(r.dir, "jobs")}.Sweep(ctx, janitor.Bounds{Age: age, Bytes: 1, Files: 1}, keep)
	}
	pruned := false
	r.agent.Prune = func(inUse func(app.App) bool) error {
		pruned = true
		if installed, ok := r.agent.Apps.Lookup(app.Ref{SHA256: string(o.App.SHA256)}); !ok || !inUse(installed) {
			t.Error("the App of a running order is not in use")
		}
		return nil
	}
	r.eventually("the warm order is forgotten", func() bool { return len(r.agent.Journal.Entries()) == 1 })
	r.agent.sweepOnce(t.Context())
	entries, err := os.ReadDir(filepath.Join(r.dir, "jobs"))
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != o.Ref.String() || !pruned {
		t.Errorf("%v are left, pruned: %v; want the folder of the running order", entries, pruned)
	}
	s.Send(t, &wire.Cancel{Ref: o.Ref})
	r.result(s, o.Ref, wire.Cancelled)
}

// A drain is over when the cloud has the last result, not when the last job ends.
func TestDrainWaitsForTheCloud(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "time.sleep(0.2)")
	s.Send(t, o)
	running(s, t)
	drained := make(chan struct{})
	go func() { defer close(drained); r.agent.Drain(t.Context()) }()
	for linktest.Expect[*wire.Result](t, s).Ref != o.Ref {
	}
	select {
	case <-drained:
		t.Error("drained before the cloud acknowledged the result")
	case <-time.After(100 * time.Millisecond):
	}
	s.Send(t, &wire.ResultAck{Ref: o.Ref})
	select {
	case <-drained:
	case <-time.After(20 * time.Second):
		t.Fatal("the drain does not end")
	}
}

// A loop that is stuck is noticed: no order could be taken.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.TempDir(), nil)
		must(t, err)
		defer j.Close()
		a := New(Config{Limits: Limits{Executors: 1}, Host: &machine{free: 1 << 40}, Journal: j})
		ctx, cancel := context.WithCancel(t.Context())
		a.ctx = ctx
		done := make(chan error, 1)
		go func() { done <- a.publishInfo(ctx) }()
		time.Sleep(time.Hour)
		if late := a.Late(); late > 0 {
			t.Errorf("late for %s while it goes round", late)
		}
		a.link = stuckLink{make(chan struct{})}
		a.sessions.Open(&order.Session{})
		time.Sleep(2*roundEvery + upkeepMargin)
		if a.Late() == 0 {
			t.Error("a loop that is stuck is not noticed")
		}
		close(a.link.(stuckLink).stuck)
		cancel()
		must(t, <-done)
	})
}

type stuckLink struct{ stuck chan struct{} }

func (l stuckLink) Send(context.Context, wire.Message) error { <-l.stuck; return nil }
func (l stuckLink) SendIn(context.Context, int64, wire.Message) error {
	<-l.stuck
	return nil
}
func (l stuckLink) SendLast(context.Context, int64, wire.Message) error { <-l.stuck; return nil }
