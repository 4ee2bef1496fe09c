package jobs_test

import (
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// TestLateHolder: a gateway that had the lease and lost it before it submitted what it wrote down
// does not take the run away from its successor, which did.
func TestLateHolder(t *testing.T) {
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	a := s.Agent("one", 4)
	c := time.Now().UTC().Truncate(time.Second)
	s.create(t, job("feed", func(j *jobs.Job) { j.Schedule = "once " + c.Add(2*time.Second).Format(time.RFC3339) }))
	s.orders.twice.Store(true)
	o := gatewaytest.Expect[*wire.Order](a)
	a.Send(&wire.Accepted{Ref: o.Ref})
	time.Sleep(1200 * time.Millisecond)
	if v, err := s.jobs.Get(t.Context(), "feed"); err != nil || v.State.Run == nil || v.State.Run.Order != o.Order {
		t.Fatalf("%+v, %v: the run is under way", v.State, err)
	}
	r := gatewaytest.Result(o.Ref)
	r.Outcome, r.Results = wire.Succeeded, map[string]string{"last_run": "1"}
	a.Send(r)
	gatewaytest.Expect[*wire.ResultAck](a)
	if v := s.settled(t, "feed", 1); v.State.Left["last_run"] != "1" {
		t.Errorf("got %+v", v.State)
	}
}

// TestClockOfTheHolder: Jobs do not wait for the gateway that has the lease where its clock is not to
// be trusted and another one's is.
func TestClockOfTheHolder(t *testing.T) {
	t.Parallel()
	cloud := gatewaytest.Start(t, gatewaytest.Options{})
	start := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	c := &clock{}
	c.set(start.Add(-time.Minute))
	one := open(t, cloud, func(cfg *jobs.Config) {
		cfg.Gateway, cfg.Now, cfg.Trusted = "one", c.now, func() bool { return false }
	})
	a := cloud.Agent("one", 4)
	one.create(t, job("feed", func(j *jobs.Job) { j.Schedule = "every 1h" }))
	one.start(t, "feed") // what was asked for does not need the time
	work(a, ends(wire.Succeeded, nil))
	one.settled(t, "feed", 1)
	c.set(start)
	a.Silent(1500 * time.Millisecond)
	open(t, cloud, func(cfg *jobs.Config) { cfg.Gateway, cfg.Now = "two", c.now })
	work(a, ends(wire.Succeeded, nil))
	one.settled(t, "feed", 2)
	a.Silent(100 * time.Millisecond)
}
