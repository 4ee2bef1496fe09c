//go:build unix

package job

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// serving is an Executor whose Run runs, with so many slots.
func serving(t testing.TB, slots int) *Executor {
	t.Helper()
	e := newExecutor(t)
	serve(t, e, slots)
	return e
}

// serve has Run run, and waits until a shim waits.
func serve(t testing.TB, e *Executor, slots int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx, func() int { return slots }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	waiting(t, e, min(slots, atLeast))
}

// waiting waits until so many shims wait, and returns them.
func waiting(t testing.TB, e *Executor, n int) []*startedShim {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		e.pool.mu.Lock()
		idle := append([]*startedShim(nil), e.pool.idle...)
		e.pool.mu.Unlock()
		if len(idle) == n {
			return idle
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d shims wait, not %d", len(idle), n)
		}
	}
}

// one runs a job to its end.
func one(t testing.TB, e *Executor, l Launch) (*Process, Exit) {
	t.Helper()
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return p, wait(t, p)
}

// TestStartWithPrewarmedShim: a waiting shim is used; a dead one is not missed.
func TestStartWithPrewarmedShim(t *testing.T) {
	for name, dead := range map[string]bool{"waiting": false, "dead": true} {
		t.Run(name, func(t *testing.T) {
			e := serving(t, 1)
			h := waiting(t, e, 1)[0]
			if dead {
				h.kill()
				<-h.ended
			}
			p, exit := one(t, e, shell(t, "exit 3"))
			if exit.Code != 3 {
				t.Errorf("%+v", exit)
			}
			if used := p.Status().ShimPID == h.pid; used == dead {
				t.Errorf("the prewarmed shim was used: %v", used)
			}
		})
	}
}

// TestRun: there is always one that waits, and none is left.
func TestRun(t *testing.T) {
	e := newExecutor(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- e.Run(ctx, func() int { return 1 }) }()
	first := waiting(t, e, 1)[0]
	_ = first.in.Close() // no request: it ends
	<-first.ended
	var second *startedShim
	for second == nil || second == first {
		second = waiting(t, e, 1)[0]
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	<-second.ended
}

// TestReapSparesTheNextJob: who ends what is left of a job does not end the shim that has another job by now,
// and ends the shim that still has this one.
func TestReapSparesTheNextJob(t *testing.T) {
	linuxOnly(t)
	e := serving(t, 1)
	first, _ := one(t, e, shell(t, "true"))
	waiting(t, e, 1)
	l := shell(t, "echo > out/ran; exec sleep 1000")
	second, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	await(t, l.Dir+"/out/ran")
	if first.Status().ShimPID != second.Status().ShimPID {
		t.Fatal("the second job has another shim")
	}
	for range 2 {
		if err := e.Reap(t.Context(), first.Dir(), first.Status()); err != nil {
			t.Error(err)
		}
	}
	if !second.alive() {
		t.Fatal("the second job's shim was ended")
	}
	if err := e.Reap(t.Context(), second.Dir(), second.Status()); err != nil {
		t.Error(err)
	}
	if exit := wait(t, second); exit.Reason != ReasonShimLost {
		t.Errorf("%+v", exit)
	}
	nothingLeft(t, l.Dir)
	one(t, e, shell(t, "true"))
}

// TestServesNoMore: a shim whose App has killed it, or that was told to end, is replaced.
func TestServesNoMore(t *testing.T) {
	linuxOnly(t)
	e := serving(t, 2)
	for range 3 {
		l := shell(t, "until [ -e out/go ]; do sleep 0.01; done; kill -9 $PPID; sleep 1000")
		p, err := e.Start(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.Dir+"/out/go", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, p); exit.Reason != ReasonShimLost {
			t.Errorf("%+v", exit)
		}
		if _, exit := one(t, e, shell(t, "exit 4")); exit.Code != 4 {
			t.Errorf("%+v", exit)
		}
		p, exit := one(t, e, shell(t, "until kill $PPID; do :; done; sleep 1000"))
		if exit.Reason != ReasonShimLost {
			t.Errorf("%+v", exit)
		}
		if next, exit := one(t, e, shell(t, "exit 4")); exit.Code != 4 {
			t.Errorf("after job of shim %d: shim %d: %+v", p.Status().ShimPID, next.Status().ShimPID, exit)
		}
	}
}

// TestDemand: as many shims wait as jobs come at a time, and no more than there are slots.
func TestDemand(t *testing.T) {
	linuxOnly(t)
	const slots = 4
	e := serving(t, slots)
	shims := map[int]bool{}
	var mu sync.Mutex
	var jobs sync.WaitGroup
	for range slots {
		jobs.Go(func() {
			for range 20 {
				p, err := e.Start(t.Context(), shell(t, "exit 3"))
				if err != nil {
					t.Error(err)
					return
				}
				if exit, err := p.Wait(t.Context()); err != nil || exit.Code != 3 {
					t.Errorf("%+v, %v", exit, err)
				}
				mu.Lock()
				shims[p.Status().ShimPID] = true
				mu.Unlock()
			}
		})
	}
	jobs.Wait()
	if len(shims) > 3*slots { // a shim is started where one is only about to come back
		t.Errorf("%d jobs, %d at a time, took %d shims", 20*slots, slots, len(shims))
	}
}

// TestServedAgentDies: the job of a serving shim goes on without its agent, and ends durably; the shim ends with it.
func TestServedAgentDies(t *testing.T) {
	linuxOnly(t)
	e := newExecutor(t)
	e.pool.open, e.pool.failing = true, true // as in Run, but for the shims that wait
	l := shell(t, "echo > out/ran; until [ -e out/go ]; do sleep 0.01; done; exit 5")
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	await(t, l.Dir+"/out/ran")
	if p.end == nil {
		t.Fatal("the shim does not serve")
	}
	again, err := newExecutor(t).Attach(l.Dir, p.Status())
	if err != nil {
		t.Fatal(err)
	}
	e.pool.shut() // what the agent has of a shim that comes back is closed
	if err := os.WriteFile(l.Dir+"/out/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Process{p, again} {
		if exit := wait(t, p); exit.Code != 5 {
			t.Errorf("%+v", exit)
		}
	}
	awaitEnd(t, again)
}

// TestWaitForAShim: a job for which no shim waits gets the one that comes back first, or a new one, also where
// all slots are taken; one that nobody can start a shim for learns why.
func TestWaitForAShim(t *testing.T) {
	linuxOnly(t)
	e := serving(t, 1)
	long := shell(t, "until [ -e out/go ]; do sleep 0.01; done; exit 5")
	first, err := e.Start(t.Context(), long)
	if err != nil {
		t.Fatal(err)
	}
	second, exit := one(t, e, shell(t, "exit 6"))
	if exit.Code != 6 || second.Status().ShimPID == first.Status().ShimPID {
		t.Errorf("beside a job that goes on: %+v by shim %d", exit, second.Status().ShimPID)
	}
	if err := os.WriteFile(long.Dir+"/out/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, first); exit.Code != 5 {
		t.Errorf("%+v", exit)
	}
	var all sync.WaitGroup
	for range 20 { // at once
		l := shell(t, "exit 7")
		all.Go(func() {
			p, err := e.Start(t.Context(), l)
			if err != nil {
				t.Error(err)
				return
			}
			if exit, err := p.Wait(t.Context()); err != nil || exit.Code != 7 {
				t.Errorf("%+v, %v", exit, err)
			}
		})
	}
	all.Wait()
	e.pool.mu.Lock()
	queue := len(e.pool.queue)
	e.pool.mu.Unlock()
	if queue > 0 {
		t.Errorf("%d still wait", queue)
	}
}

// TestNobodyWaitsForWhatFails: where no shim comes up, a job learns that at once, and once it does they wait again.
func TestNobodyWaitsForWhatFails(t *testing.T) {
	linuxOnly(t)
	exe := filepath.Join(t.TempDir(), "shim")
	if err := os.WriteFile(exe, []byte("#!/bin/sh\necho it does not start >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	e := executor(t, Config{Exe: exe})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx, func() int { return 4 }) }()
	for range 3 {
		if _, err := e.Start(t.Context(), shell(t, "true")); err == nil || !strings.Contains(err.Error(), "it does not start") {
			t.Errorf("got %v", err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
