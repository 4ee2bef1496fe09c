//go:build unix

package job

import (
	"context"
	"testing"
)

// TestStartWithPrewarmedShim: a waiting shim is used; a dead one is not missed.
func TestStartWithPrewarmedShim(t *testing.T) {
	for name, dead := range map[string]bool{"waiting": false, "dead": true} {
		t.Run(name, func(t *testing.T) {
			e := newExecutor(t)
			e.prewarmed = make(chan *startedShim, 1) // with room, so that it is there for sure
			h, err := e.startShim(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if dead {
				h.kill()
				<-h.ended
			}
			e.prewarmed <- h
			p, err := e.Start(t.Context(), shell(t, "exit 3"))
			if err != nil {
				t.Fatal(err)
			}
			if exit := wait(t, p); exit.Code != 3 {
				t.Errorf("%+v", exit)
			}
			if used := p.Status().ShimPID == h.pid; used == dead {
				t.Errorf("the prewarmed shim was used: %v", used)
			}
			<-h.answered
		})
	}
}

// TestRun: there is always a next one, and none is left.
func TestRun(t *testing.T) {
	e := newExecutor(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	first := <-e.prewarmed
	_ = first.in.Close() // no request: it ends
	close(first.answered)
	<-first.ended
	first.release()
	second := <-e.prewarmed
	close(second.answered)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	_ = second.in.Close()
	<-second.ended
	second.release()
}
