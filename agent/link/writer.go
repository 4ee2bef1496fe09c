package link

import (
	"sync"
	"time"

	"tcenvsvr/agent/link/wire"
)

// frameWriter is *conn.Conn as the writer sees it.
type frameWriter interface {
	WriteFrames(frames ...[]byte) error
}

// writer is the one goroutine that writes in a session.
type writer struct {
	q         *queue
	out       frameWriter
	heartbeat time.Duration

	mu       sync.Mutex
	seq      int64
	pingedAt time.Time // when the ping with seq left
}

// busyPing is after how many heartbeats a busy session is pinged nevertheless, to measure its round
// trip.
const busyPing = 4

// run writes until the queue is left or quit, or writing fails.
func (w *writer) run() error {
	defer close(w.q.done)
	idle := time.NewTimer(w.heartbeat)
	defer idle.Stop()
	w.pingedAt = time.Now()
	for {
		batch, more := w.next(idle.C)
		if len(batch) > 0 {
			if err := w.out.WriteFrames(batch...); err != nil {
				return err
			}
			idle.Reset(w.heartbeat)
		}
		if !more {
			return nil
		}
	}
}

// next waits for the next batch to write: control before logs, one log chunk at a time. more is
// false for the last batch.
func (w *writer) next(idle <-chan time.Time) (batch [][]byte, more bool) {
	select {
	case f := <-w.q.control:
		return w.q.more(f), true
	default:
	}
	if time.Since(w.lastPing()) > busyPing*w.heartbeat {
		return [][]byte{w.ping()}, true
	}
	select {
	case f := <-w.q.control:
		return w.q.more(f), true
	case <-idle:
		return [][]byte{w.ping()}, true
	case <-w.q.probe:
		return [][]byte{w.ping()}, true
	case <-w.q.leave:
		return w.q.rest(), false
	case <-w.q.quit:
		return nil, false
	case f := <-w.q.logs:
		return [][]byte{f}, true
	}
}

func (w *writer) lastPing() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pingedAt
}

func (w *writer) ping() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	w.pingedAt = time.Now()
	frame, _ := wire.Encode(&wire.Ping{Seq: w.seq, Clock: w.pingedAt.UnixMilli()})
	return frame
}

// pong returns the round trip time, if seq answers the newest ping.
func (w *writer) pong(seq int64) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.pingedAt), seq == w.seq
}
