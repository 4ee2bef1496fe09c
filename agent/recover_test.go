package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order"
)

// gate is Python that waits until the file exists.
func (r *rig) gate(name string) (do string, open func()) {
	file := filepath.Join(r.dir, "gate-"+name)
	return `
while not os.path.exists("` + file + `"): time.sleep(0.02)
print("through the gate", flush=True)`, func() { must(r.t, os.WriteFile(file, nil, 0o600)) }
}

// gated gives an order and returns when its App runs and waits for open.
func (r *rig) gated(s *linktest.Session) (o *wire.Order, open func()) {
	r.t.Helper()
	do, open := r.gate("o")
	o = r.order("o", do)
	s.Send(r.t, o)
	running(s, r.t)
	return o, open
}

// TestRestartWhileRunning: the job goes on, the next agent finds it, and there is one result.
func TestRestartWhileRunning(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, open := r.gated(s)
	r.stop()
	s = r.start()
	if len(s.Hello.Orders) != 1 || s.Hello.Orders[0].Ref != o.Ref || s.Hello.Slots != r.slots-1 {
		t.Fatalf("hello of the next agent: %+v, %d slots", s.Hello.Orders, s.Hello.Slots)
	}
	open()
	r.result(s, o.Ref, wire.Succeeded)
	if n := r.starts("o"); n != 1 {
		t.Errorf("started %d times; want once", n)
	}
}

// TestJobEndsWhileNoAgentRuns: the exit is found and reported, and so is the log, in full.
func TestJobEndsWhileNoAgentRuns(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, open := r.gated(s)
	r.stop()
	open()
	exit := filepath.Join(r.dir, "jobs", o.Ref.String(), "shim", "exit")
	r.eventually("the shim writes the exit", func() bool { _, err := os.Stat(exit); return err == nil })
	s = r.start()
	text := ""
	for {
		switch m := s.Next(t).(type) {
		case *wire.Log:
			if m.Stream == wire.Stdout {
				text += string(m.Data)
			}
		case *wire.Result:
			if m.Outcome != wire.Succeeded || text != "hello from the app\nthrough the gate\n" {
				t.Fatalf("outcome %s, log %q", m.Outcome, text)
			}
			return
		}
	}
}

// TestResultIsRepeated: in every session and by every agent until it is acknowledged.
func TestResultIsRepeated(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "pass")
	s.Send(t, o)
	linktest.Expect[*wire.Result](t, s)
	s.Close()
	s = r.broker.Accept(t)
	if len(s.Hello.Results) != 1 || s.Hello.Slots != r.slots {
		t.Errorf("hello with a result in the outbox: %v, %d slots", s.Hello.Results, s.Hello.Slots)
	}
	linktest.Expect[*wire.Result](t, s)
	r.stop()
	s = r.start()
	r.result(s, o.Ref, wire.Succeeded)
	r.eventually("the outbox is empty", func() bool { return len(r.agent.Journal.Entries()) == 0 })
	r.stop()
	s = r.start()
	if len(s.Hello.Results)+len(s.Hello.Orders) != 0 {
		t.Errorf("after the acknowledgement: %+v", s.Hello)
	}
}

// TestHeldThroughRestart: an order that waits for permission waits again in the next agent.
func TestHeldThroughRestart(t *testing.T) {
	r := newRig(t)
	s := r.start()
	o := r.order("o", "pass")
	s.Send(t, o)
	linktest.Expect[*wire.Ready](t, s)
	s.Close()
	s = r.broker.Accept(t)
	linktest.Expect[*wire.Ready](t, s) // in a new session
	r.stop()
	s = r.start() // by a new agent
	if len(s.Hello.Orders) != 1 || s.Hello.Orders[0].State != wire.StateAccepted {
		t.Fatalf("hello: %+v", s.Hello.Orders)
	}
	linktest.Expect[*wire.Ready](t, s)
	if r.starts("o") != 0 {
		t.Fatal("started without permission")
	}
	s.Send(t, &wire.Start{Ref: o.Ref})
	r.result(s, o.Ref, wire.Succeeded)
	if n := r.starts("o"); n != 1 {
		t.Errorf("started %d times; want once", n)
	}
}

// TestHostRestart: what ran on another boot is over, and what became of it cannot be known.
func TestHostRestart(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, _ := r.gated(s)
	r.stop()
	dir := filepath.Join(r.dir, "jobs", o.Ref.String())
	endJob(t, r, dir)
	must(t, os.RemoveAll(filepath.Join(dir, "shim")))
	r.host.boot = "boot-2"
	s = r.start()
	m := r.result(s, o.Ref, wire.Interrupted)
	if m.Error != "job.supervisor_lost" || m.Message == "" {
		t.Errorf("result %+v; want the reason", m)
	}
}

// TestLostShim: when nobody saw the App end, nobody says how long it ran.
func TestLostShim(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, _ := r.gated(s)
	p, err := r.agent.Jobs.Attach(filepath.Join(r.dir, "jobs", o.Ref.String()), job.Status{})
	must(t, err)
	shim, err := os.FindProcess(p.Status().ShimPID)
	must(t, err)
	must(t, shim.Kill())
	if m := r.result(s, o.Ref, wire.Interrupted); m.RunMS != 0 || m.Error != "job.supervisor_lost" {
		t.Errorf("it ran for %d ms and ended with %q; want no duration and the reason", m.RunMS, m.Error)
	}
}

// endJob cancels a job behind the agent's back.
func endJob(t *testing.T, r *rig, dir string) {
	t.Helper()
	p, err := r.agent.Jobs.Attach(dir, job.Status{})
	must(t, err)
	must(t, p.Cancel(t.Context()))
	_, err = p.Wait(t.Context())
	must(t, err)
	r.eventually("the shim has ended", func() bool { // until then it makes its record durable, or keeps it
		_, err := r.agent.Jobs.Attach(dir, p.Status()) // the folder's own record may be the exit already
		return errors.Is(err, job.ErrNotRunning)
	})
}

// TestForgedGivenUp: an App that waits for the agent's end, kills its shim and writes that it was
// never started is not started a second time.
func TestForgedGivenUp(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, _ := r.gated(s)
	r.eventually("the App runs", func() bool { return r.starts("o") == 1 })
	r.stop()
	dir := filepath.Join(r.dir, "jobs", o.Ref.String())
	endJob(t, r, dir)
	must(t, os.WriteFile(filepath.Join(dir, "shim", "exit"), []byte(`{"code":-1,"reason":"given_up","started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:00Z"}`), 0o660))
	s = r.start()
	r.result(s, o.Ref, wire.Interrupted)
	if n := r.starts("o"); n != 1 {
		t.Errorf("started %d times", n)
	}
}

// TestFenced: an order that belongs to another attempt is ended without a result.
func TestFenced(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	r.gated(s)
	newer := r.order("o", "pass")
	newer.Attempt = 2
	s.Send(t, newer) // the older attempt is fenced by it
	m := r.result(s, newer.Ref, wire.Succeeded)
	if m.Attempt != 2 {
		t.Errorf("result of attempt %d", m.Attempt)
	}
	r.eventually("the older attempt is gone", func() bool { return len(r.agent.Journal.Entries()) == 0 && r.agent.Status().Active == 0 })
}

// TestOrderOfAnOlderSession: what the newest hello did not name must not be started, because the
// cloud has given it to somebody by now.
func TestOrderOfAnOlderSession(t *testing.T) {
	r := newRig(t)
	r.start()
	o := order.New(&r.agent.common, *r.order("late", "pass"))
	if h := r.agent.Hello(); len(h.Orders) != 0 { // a new session begins before the order is journaled
		t.Fatalf("hello names %v", h.Orders)
	}
	must(t, o.Run(t.Context()))
	if n := len(r.agent.Journal.Entries()); n != 0 || r.starts("late") != 0 {
		t.Errorf("%d entries in the journal, started %d times; want none", n, r.starts("late"))
	}
}

// TestUnclaimedResult: the cloud has no record of the order. The result is neither deleted nor in
// the way, and given to whoever knows the order.
func TestUnclaimedResult(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o := r.order("o", "pass")
	s.Send(t, o)
	linktest.Expect[*wire.Result](t, s)
	s.Send(t, &wire.ResultAck{Ref: o.Ref, Unknown: true})
	r.eventually("status tells", func() bool { return r.agent.Status().Unclaimed == 1 })
	drained := make(chan struct{})
	go func() { defer close(drained); r.agent.Drain(t.Context()) }()
	<-drained
	r.stop()
	s = r.start()
	if len(s.Hello.Results) != 1 || s.Hello.Slots != r.slots {
		t.Errorf("hello with a result that nobody claims: %v, %d slots", s.Hello.Results, s.Hello.Slots)
	}
	linktest.Expect[*wire.Result](t, s)
	s.Send(t, &wire.ResultAck{Ref: o.Ref, Unknown: true})
	if m := linktest.Expect[*wire.Result](t, s); m.Ref != o.Ref { // offered again in the same session
		t.Errorf("got the result of %s", m.Ref)
	}
	s.Send(t, &wire.ResultAck{Ref: o.Ref})
	r.eventually("the outbox is empty", func() bool { return len(r.agent.Journal.Entries()) == 0 })
}

// TestFencedDuringUpload: an order that loses its attempt while its files are on their way is
// forgotten, and they are not sent to the end.
func TestFencedDuringUpload(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	r.cloud.slow = make(chan struct{})
	o := r.order("o", `open(value("tc_out_path") + "/a.txt", "w").write("x")`)
	s.Send(t, o)
	select {
	case <-r.cloud.slow:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was uploaded")
	}
	r.cloud.slow = nil
	newer := r.order("o", "pass")
	newer.Attempt = 2
	s.Send(t, newer)
	if m := r.result(s, newer.Ref, wire.Succeeded); m.Attempt != 2 {
		t.Errorf("result of attempt %d", m.Attempt)
	}
	r.eventually("the older attempt is gone", func() bool { return len(r.agent.Journal.Entries()) == 0 && r.agent.Status().Outbox == 0 })
}
