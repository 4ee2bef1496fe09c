package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// meanwhile is a bucket in which something happens after a removal.
type meanwhile struct {
	jetstream.KeyValue
	then func()
}

func (m *meanwhile) Purge(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	err := m.KeyValue.Purge(ctx, key, opts...)
	if m.then != nil {
		then := m.then
		m.then = nil
		then()
	}
	return err
}

// A Job that is made anew while another one of its name is being removed stays.
func TestMadeAnewMeanwhile(t *testing.T) {
	var kv *meanwhile
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) {
		kv = &meanwhile{KeyValue: cfg.KV}
		cfg.KV = kv
	})
	s.create(t, job("feed"))
	a := s.Agent("one", 4)
	s.start(t, "feed")
	work(a, ends(wire.Succeeded, nil))
	s.settled(t, "feed", 1)
	kv.then = func() {
		s.create(t, job("feed"))
		s.start(t, "feed")
	}
	if err := s.jobs.Remove(t.Context(), "feed"); err != nil {
		t.Fatal(err)
	}
	if list, err := s.jobs.List(t.Context()); err != nil || len(list) != 1 {
		t.Fatalf("got %v, %v", list, err)
	}
	work(a, ends(wire.Succeeded, map[string]string{"last_run": "1"}))
	if v := s.settled(t, "feed", 1); v.State.Left["last_run"] != "1" {
		t.Errorf("got %+v", v.State)
	}
}

// TestClockWasAhead: what was computed while the clock was years ahead does not hold for years.
func TestClockWasAhead(t *testing.T) {
	start := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	c := &clock{}
	c.set(start.AddDate(3, 0, 0).Add(10 * time.Minute))
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) { cfg.Now = c.now })
	a := s.Agent("one", 4)
	s.create(t, job("feed", func(j *jobs.Job) { j.Schedule = "every 1h" }))
	time.Sleep(1200 * time.Millisecond)
	c.set(start.Add(-time.Minute))
	time.Sleep(1200 * time.Millisecond)
	c.set(start)
	work(a, ends(wire.Succeeded, nil))
	s.settled(t, "feed", 1)
}

// TestNextTryNow: whoever has mended what made a run fail need not wait for its next try.
func TestNextTryNow(t *testing.T) {
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}))
	a := s.Agent("one", 4)
	s.create(t, job("feed", func(j *jobs.Job) { j.Retries, j.RetryDelayMS = 1, 24*3600_000 }))
	s.start(t, "feed")
	work(a, ends(wire.Failed, nil))
	s.until(t, "feed", func(v jobs.View) bool { return v.State.Run != nil && !v.State.Run.Again.IsZero() })
	s.start(t, "feed")
	work(a, ends(wire.Succeeded, nil))
	if v := s.settled(t, "feed", 1); v.State.History[0].Try != 2 {
		t.Errorf("got %+v", v.State.History)
	}
}
