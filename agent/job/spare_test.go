//go:build unix

package job

import (
	"context"
	"testing"
)

// TestStartWithSpare: a waiting shim is used; a dead one is not missed.
func TestStartWithSpare(t *testing.T) {
	for name, dead := range map[string]bool{"waiting": false, "dead": true} {
		t.Run(name, func(t *testing.T) {
			e := newExecutor(t)
			e.spare = make(chan *hired, 1) // with room, so that it is there for sure
			h, err := e.hire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if dead {
				h.kill()
				<-h.ended
			}
			e.spare <- h
			p, err := e.Start(t.Context(), shell(t, "exit 3"))
			if err != nil {
				t.Fatal(err)
			}
			if exit := wait(t, p); exit.Code != 3 {
				t.Errorf("%+v", exit)
			}
			if used := p.Status().ShimPID == h.pid; used == dead {
				t.Errorf("the spare was used: %v", used)
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
	first := <-e.spare
	_ = first.in.Close() // no request: it ends
	close(first.answered)
	<-first.ended
	first.release()
	second := <-e.spare
	close(second.answered)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	_ = second.in.Close()
	<-second.ended
	second.release()
}
