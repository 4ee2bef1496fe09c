package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// orders makes orders by a dispatcher. What it is told to lose, or to refuse, never gets there.
type orders struct {
	d      *dispatch.Dispatcher
	lose   atomic.Bool
	refuse atomic.Bool
	twice  atomic.Bool // another gateway submits the same before
}

func (o *orders) Submit(ctx context.Context, j *jobs.Job, id wire.OrderID, left map[string]string) error {
	params := maps.Clone(j.Params)
	maps.Copy(params, left)
	switch {
	case o.lose.Load():
		return errors.New("the store is away")
	case o.refuse.Load():
		return fmt.Errorf("%w: the App is gone", jobs.ErrRefused)
	}
	r := gatewaytest.Request()
	r.ID, r.Runtime, r.Params, r.Server = id, wire.RuntimeJob, params, j.Server
	_, err := o.d.Submit(ctx, r)
	if err == nil && o.twice.Load() {
		_, err = o.d.Submit(ctx, r)
	}
	return err
}

func (o *orders) Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error) {
	return o.d.Get(ctx, id)
}

// clock can be set. It goes on by itself.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time      { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) set(to time.Time)    { c.offset.Store(int64(time.Until(to))) }
func (c *clock) add(d time.Duration) { c.offset.Add(int64(d)) }

type side struct {
	*gatewaytest.Cloud
	orders *orders
	jobs   *jobs.Jobs
	stop   func()
}

// open runs Jobs on a cloud side, until the test ends or stop.
func open(t *testing.T, c *gatewaytest.Cloud, change ...func(*jobs.Config)) *side {
	t.Helper()
	kv, err := c.Store.KV(t.Context(), jobs.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	o := &orders{d: c.Dispatcher}
	cfg := jobs.Config{KV: kv, Orders: o}
	for _, f := range change {
		f(&cfg)
	}
	s := &side{Cloud: c, orders: o, jobs: jobs.New(cfg)}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.jobs.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(s.stop)
	return s
}

func job(name string, change ...func(*jobs.Job)) jobs.Job {
	j := jobs.Job{Name: name, Environment: gatewaytest.Env, App: "App", Params: map[string]string{"last_run": "never", "p": "1"}}
	for _, f := range change {
		f(&j)
	}
	return j
}

func (s *side) create(t *testing.T, j jobs.Job) {
	t.Helper()
	j.Environment = "lab" // a name; the order's own is the test's
	if _, err := s.jobs.Create(t.Context(), j); err != nil {
		t.Fatal(err)
	}
}

func (s *side) start(t *testing.T, name string) {
	t.Helper()
	if _, err := s.jobs.Start(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// settled waits until a Job has had n runs and none is under way.
func (s *side) settled(t *testing.T, name string, n int) jobs.View {
	t.Helper()
	return s.until(t, name, func(v jobs.View) bool { return v.State.Run == nil && len(v.State.History) >= n })
}

func (s *side) until(t *testing.T, name string, good func(jobs.View) bool) jobs.View {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		v, err := s.jobs.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if good(v) {
			return v
		}
		if time.Now().After(end) {
			t.Fatalf("Job %s stays as it is: %+v", name, v.State)
		}
	}
}

// work answers an order as an agent does.
func work(a *gatewaytest.Agent, change func(*wire.Result)) *wire.Order {
	o := gatewaytest.Expect[*wire.Order](a)
	a.Send(&wire.Accepted{Ref: o.Ref})
	r := gatewaytest.Result(o.Ref)
	change(r)
	a.Send(r)
	gatewaytest.Expect[*wire.ResultAck](a)
	return o
}

func ends(outcome wire.Outcome, left map[string]string) func(*wire.Result) {
	return func(r *wire.Result) {
		r.Outcome, r.Results = outcome, left
		if outcome == wire.Failed {
			r.ExitCode = 1
		}
	}
}

func TestWhatARunLeaves(t *testing.T) {
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	a := s.Agent("one", 4)
	s.create(t, job("feed"))
	for i, want := range []string{"never", "1", "2"} {
		if _, err := s.jobs.Start(t.Context(), "feed"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.jobs.Start(t.Context(), "feed"); !errors.Is(err, jobs.ErrRunning) || !strings.Contains(err.Error(), `starting Job "feed": a run of the Job is under way: order job-`) {
			t.Errorf("a second run at once: %v", err)
		}
		o := work(a, ends(wire.Succeeded, map[string]string{"last_run": fmt.Sprint(i + 1)}))
		if o.Params["last_run"] != want || o.Params["p"] != "1" {
			t.Errorf("run %d has parameters %v, want last_run=%s", i+1, o.Params, want)
		}
		s.settled(t, "feed", i+1)
	}
	// A failure leaves nothing; what is set by hand counts.
	if _, err := s.jobs.Change(t.Context(), "feed", jobs.Edit{Set: map[string]string{"last_run": "0"}}, func(*jobs.Job) error { return nil }); err != nil {
		t.Fatal(err)
	}
	s.start(t, "feed")
	if o := work(a, ends(wire.Failed, map[string]string{"last_run": "9"})); o.Params["last_run"] != "0" {
		t.Errorf("got %v", o.Params)
	}
	if v := s.settled(t, "feed", 4); v.State.Left["last_run"] != "0" || v.State.History[0].Outcome != "failed" {
		t.Errorf("after a failure: %+v", v.State)
	}
}

// TestEachDueTimeOnce kills the cloud between all steps of runs: each due time is run once.
func TestEachDueTimeOnce(t *testing.T) {
	start := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	c := &clock{}
	c.set(start.Add(-time.Minute))
	clocked := func(cfg *jobs.Config) { cfg.Now = c.now }
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), clocked)
	s.create(t, job("feed", func(j *jobs.Job) { j.Schedule = "every 1h" }))
	seen := map[wire.OrderID]int{}
	for i := range 4 {
		s.orders.lose.Store(i%2 == 1) // killed after the run was written down, before its order was made
		c.set(start.Add(time.Duration(i) * time.Hour))
		s.until(t, "feed", func(v jobs.View) bool { return v.State.Run != nil })
		s.stop()
		s = open(t, s.Crash(), clocked)
		a := s.Agent("one", 4)
		if i == 2 {
			c.add(-3 * time.Hour) // what was decided stays decided
		}
		o := work(a, ends(wire.Succeeded, map[string]string{"n": fmt.Sprint(i)}))
		seen[o.Order]++
		s.stop()
		s = open(t, s.Crash(), clocked)
		if v := s.settled(t, "feed", i+1); v.State.Left["n"] != fmt.Sprint(i) {
			t.Errorf("after run %d: left %v", i, v.State.Left)
		}
		a.Kill()
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("order %s was run %d times", id, n)
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d runs, want 4: %v", len(seen), seen)
	}
}

// TestTwoGateways: one looks after the Jobs, and the other when that one is gone.
func TestTwoGateways(t *testing.T) {
	t.Parallel()
	cloud := gatewaytest.Start(t, gatewaytest.Options{})
	one := open(t, cloud, func(cfg *jobs.Config) { cfg.Gateway = "one" })
	two := open(t, cloud, func(cfg *jobs.Config) { cfg.Gateway = "two" })
	a := cloud.Agent("one", 4)
	one.create(t, job("feed"))
	for i := range 2 {
		if _, err := two.jobs.Start(t.Context(), "feed"); err != nil {
			t.Fatal(err)
		}
		work(a, ends(wire.Succeeded, nil))
		two.settled(t, "feed", i+1)
		one.stop()
	}
	a.Silent(100 * time.Millisecond)
}

// TestCounts: each Job counts once, for what it does now.
func TestCounts(t *testing.T) {
	now := &clock{}
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) {
		cfg.Now, cfg.Trusted = now.now, func() bool { return false } // nothing is begun for its time
	})
	counts := func(want jobs.Counts) {
		t.Helper()
		if got, err := s.jobs.Counts(t.Context()); err != nil || got["lab"] != want || len(got) != 1 {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	s.create(t, job("idle"))
	s.create(t, job("paused", func(j *jobs.Job) { j.Schedule, j.Paused = "every 2m", true }))
	s.create(t, job("due", func(j *jobs.Job) { j.Schedule = "every 2m" }))
	counts(jobs.Counts{Idle: 2, Paused: 1})
	v, err := s.jobs.Get(t.Context(), "due")
	if err != nil {
		t.Fatal(err)
	}
	now.set(v.Next.Add(time.Second))
	counts(jobs.Counts{Idle: 1, Paused: 1, Due: 1})
	now.add(90 * time.Second)
	counts(jobs.Counts{Idle: 1, Paused: 1, Due: 1, Late: 1})
	a := s.Agent("one", 4)
	s.start(t, "idle")
	o := gatewaytest.Expect[*wire.Order](a)
	counts(jobs.Counts{Running: 1, Paused: 1, Due: 1, Late: 1})
	a.Send(&wire.Accepted{Ref: o.Ref}, &wire.Result{Ref: o.Ref, Outcome: wire.Failed, ExitCode: 1})
	s.settled(t, "idle", 1)
	counts(jobs.Counts{Idle: 1, Paused: 1, Due: 1, Late: 1, Failed: 1})
}

func TestOneServer(t *testing.T) {
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	other, mine := s.Agent("other", 4), s.Agent("mine", 3)
	s.create(t, job("feed", func(j *jobs.Job) { j.Server = "mine" }))
	for i := range 3 {
		s.start(t, "feed")
		work(mine, ends(wire.Succeeded, nil))
		s.settled(t, "feed", i+1)
	}
	other.Silent(100 * time.Millisecond)
}

func TestFailuresAreTold(t *testing.T) {
	var told atomic.Int32
	got := make(chan jobs.Failure, 4)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var f jobs.Failure
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			t.Error(err)
		}
		if told.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		got <- f
	}))
	t.Cleanup(receiver.Close)
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	a := s.Agent("one", 4)
	s.create(t, job("good", func(j *jobs.Job) { j.Notify = receiver.URL }))
	s.start(t, "good")
	work(a, ends(wire.Succeeded, nil))
	s.settled(t, "good", 1)
	s.create(t, job("bad", func(j *jobs.Job) { j.Notify = receiver.URL }))
	s.orders.refuse.Store(true)
	s.start(t, "bad")
	if v := s.settled(t, "bad", 1); v.State.History[0].Outcome != jobs.Refused {
		t.Errorf("got %+v", v.State.History)
	}
	select {
	case f := <-got:
		if f.Job != "bad" || f.Outcome != jobs.Refused || f.Message != "no order could be made: the App is gone" {
			t.Errorf("told %+v", f)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing was told")
	}
	s.until(t, "bad", func(v jobs.View) bool { return v.State.History[0].Notify == 0 })
	if n := told.Load(); n != 2 {
		t.Errorf("told %d times, want 2: the first was not taken", n)
	}
}

// A Job that was removed and made anew is another one.
func TestRemoved(t *testing.T) {
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	a := s.Agent("one", 4)
	for range 2 {
		s.create(t, job("feed"))
		s.start(t, "feed")
		if o := work(a, ends(wire.Succeeded, map[string]string{"last_run": "1"})); o.Params["last_run"] != "never" {
			t.Errorf("got %v", o.Params)
		}
		s.settled(t, "feed", 1)
		if err := s.jobs.Remove(t.Context(), "feed"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.jobs.Get(t.Context(), "feed"); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if list, err := s.jobs.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
}
