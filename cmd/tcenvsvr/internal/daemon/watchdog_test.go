package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/link/pulse"
)

// A part that is really blocked takes the heartbeat away, and gives it back.
func TestHeartbeatStopsWithAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var loop pulse.Pulse
		blocked := make(chan struct{})
		go func() {
			for turn := 0; ; turn++ {
				loop.Within(15 * time.Second)
				if turn == 3 {
					<-blocked
				}
				select {
				case <-time.After(10 * time.Second):
				case <-t.Context().Done():
					return
				}
			}
		}()
		log := &bytes.Buffer{}
		var beats atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			parts := []part{{"loop", func(context.Context) time.Duration { return loop.Late() }}}
			beat(ctx, 20*time.Second, parts, func() { beats.Add(1) }, slog.New(slog.NewTextHandler(log, nil)))
		}()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := beats.Load(); got != 2 { // at 0 and 20 s
			t.Errorf("%d heartbeats in the first 30 s; want 2", got)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := beats.Load(); got != 3 { // 40 s: blocked since 30 s, late since 45 s
			t.Errorf("%d heartbeats although the loop is blocked; want 3", got)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "loop (") {
			t.Errorf("log:\n%s", log)
		}
		close(blocked)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := beats.Load(); got < 5 || !strings.Contains(log.String(), "make progress again") {
			t.Errorf("%d heartbeats after the loop went on:\n%s", got, log)
		}
		stop()
		<-done
	})
}
