package link

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/link/wire"
)

// line is a network that takes some time for each write.
type line struct {
	takes time.Duration

	mu     sync.Mutex
	frames []string
	writes int
	err    error
}

func (l *line) WriteFrames(frames ...[]byte) error {
	time.Sleep(l.takes)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.writes++
	for _, f := range frames {
		l.frames = append(l.frames, string(f))
	}
	return nil
}

func (l *line) written() (frames []string, writes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.frames), l.writes
}

// write runs a writer in fake time.
func write(t *testing.T, l *line, heartbeat time.Duration, body func(*testing.T, *writer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &writer{q: newQueue(), out: l, heartbeat: heartbeat}
		done := make(chan error, 1)
		go func() { done <- w.run() }()
		body(t, w)
		close(w.q.quit)
		if err := <-done; !errors.Is(err, l.err) {
			t.Errorf("run returned %v", err)
		}
	})
}

func TestControlWaitsBehindOneChunkAtMost(t *testing.T) {
	l := &line{takes: time.Second} // a slow network
	write(t, l, time.Hour, func(t *testing.T, w *writer) {
		flood := make(chan struct{})
		go func() {
			defer close(flood)
			for w.q.put(t.Context(), []byte("log"), true) == nil {
			}
		}()
		time.Sleep(10*time.Second + time.Millisecond) // in the middle of a chunk
		before, _ := l.written()
		if err := w.q.put(t.Context(), []byte("control"), false); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if after, _ := l.written(); !slices.Contains(after[:min(len(before)+2, len(after))], "control") {
			t.Errorf("%d frames were written before control was sent, and it is not the second one since", len(before))
		}
		w.q.quit <- struct{}{} // ends the writer, so that the flood ends
		<-flood
	})
}

func TestControlIsWrittenTogether(t *testing.T) {
	l := &line{takes: time.Second}
	write(t, l, time.Hour, func(t *testing.T, w *writer) {
		for range 100 {
			_ = w.q.put(t.Context(), []byte("c"), false)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if frames, writes := l.written(); len(frames) != 100 || writes > 2 {
			t.Errorf("%d frames in %d writes", len(frames), writes)
		}
	})
}

func TestPing(t *testing.T) {
	t.Run("when idle", func(t *testing.T) {
		l := &line{}
		write(t, l, 10*time.Second, func(t *testing.T, w *writer) {
			time.Sleep(35 * time.Second)
			synctest.Wait()
			if frames, _ := l.written(); len(frames) != 3 {
				t.Errorf("%d pings in 3.5 heartbeats", len(frames))
			}
			time.Sleep(20 * time.Millisecond)
			if rtt, ok := w.pong(3); !ok || rtt != 5*time.Second+20*time.Millisecond {
				t.Errorf("round trip is %v, %v", rtt, ok)
			}
			if _, ok := w.pong(2); ok {
				t.Error("an old pong counts")
			}
		})
	})
	t.Run("seldom when busy", func(t *testing.T) {
		l := &line{}
		write(t, l, 10*time.Second, func(t *testing.T, w *writer) {
			for range 100 {
				_ = w.q.put(t.Context(), []byte("c"), false)
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if frames, _ := l.written(); len(frames) != 102 {
				t.Errorf("%d pings in 10 busy heartbeats, want 2", len(frames)-100)
			}
		})
	})
}

func TestNobodyWaitsForADeadWriter(t *testing.T) {
	l := &line{err: errors.New("broken pipe"), takes: time.Second}
	write(t, l, time.Hour, func(t *testing.T, w *writer) {
		for range controlRoom * 3 {
			w.q.sendOwn(&wire.Pong{})
		}
		if err := w.q.put(t.Context(), []byte("c"), false); !errors.Is(err, ErrNotConnected) {
			t.Errorf("got %v", err)
		}
	})
}
