package jobs_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// book makes orders in memory, which end when they are told to.
type book struct {
	mu    sync.Mutex
	envs  []string // of the orders
	ended bool
	asked int
	known map[wire.OrderID]bool
}

func (b *book) Submit(_ context.Context, j *jobs.Job, id wire.OrderID, _ map[string]string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known[id] {
		return dispatch.ErrExists
	}
	b.known[id] = true
	b.envs = append(b.envs, j.Environment)
	return nil
}

func (b *book) Get(_ context.Context, id wire.OrderID) (dispatch.Execution, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	x := dispatch.Execution{ID: id, State: wire.StateQueued}
	if !b.known[id] {
		return x, dispatch.ErrNotFound
	}
	if b.ended {
		x.State, x.Result = wire.State(wire.Succeeded), &wire.Result{Outcome: wire.Succeeded}
	}
	return x, nil
}

func (b *book) count(good func() bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return good()
}

// TestManyAtOnce: many Jobs of a large Environment and a few of small ones are due at the same time.
// The small ones do not wait for the large one. With TCCLOUD_JOBS=10000 it says how long that takes.
func TestManyAtOnce(t *testing.T) {
	n := 600
	if s, err := strconv.Atoi(os.Getenv("TCCLOUD_JOBS")); err == nil {
		n = s
	}
	start := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
	c, b := &clock{}, &book{known: map[wire.OrderID]bool{}}
	c.set(start.Add(-30 * time.Minute))
	s := open(t, gatewaytest.Start(t, gatewaytest.Options{}), func(cfg *jobs.Config) { cfg.Now, cfg.Orders = c.now, b })
	create := func(name, env string) error {
		_, err := s.jobs.Create(t.Context(), job(name, func(j *jobs.Job) {
			j.Environment, j.Schedule, j.Zone = env, "0 * * * *", "Europe/Berlin"
		}))
		return err
	}
	var g errgroup.Group
	g.SetLimit(16)
	const small = 20
	for i := range n {
		g.Go(func() error { return create(fmt.Sprint("large-", i), "a-large") })
		if i < small {
			g.Go(func() error { return create(fmt.Sprint("small-", i), fmt.Sprint("small-", i%4)) })
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	n += small
	until := func(what string, good func() bool) {
		began := time.Now()
		for !b.count(good) {
			if time.Since(began) > 5*time.Minute {
				t.Fatalf("%s: not within %s", what, time.Since(began))
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond))
	}
	c.set(start)
	until(fmt.Sprintf("%d Jobs begin", n), func() bool { return len(b.envs) >= n })
	last := 0
	for i, env := range b.envs {
		if env != "a-large" {
			last = i
		}
	}
	if last > 100 { // 20 of theirs, the other's between them, and what is written at the same time
		t.Errorf("of 4 small Environments with 5 Jobs each the last Job was in turn as number %d of %d", last, n)
	}
	b.mu.Lock()
	b.asked = 0
	b.mu.Unlock()
	time.Sleep(3 * time.Second)
	b.mu.Lock()
	if b.asked > 8*n {
		t.Errorf("while %d runs were under way, their orders were asked for %d times in 3 s", n, b.asked)
	}
	b.ended = true
	b.mu.Unlock()
	began := time.Now()
	for {
		list, err := s.jobs.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		for _, v := range list {
			if len(v.State.History) == 1 && v.State.Run == nil {
				ended++
			}
		}
		if ended == n {
			break
		}
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("%d of %d runs are noted", ended, n)
		}
		time.Sleep(time.Second)
	}
	t.Logf("their ends are noted: %s", time.Since(began).Round(time.Millisecond))
	if len(b.envs) != n {
		t.Errorf("%d orders for %d Jobs", len(b.envs), n)
	}
}
