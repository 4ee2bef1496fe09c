package link

import (
	"context"

	"tcenvsvr/agent/link/wire"
)

// Bounds of what waits to be written in a session.
const (
	controlRoom = 256      // messages; a sender of more waits
	logRoom     = 4        // chunks
	maxBatch    = 64 << 10 // bytes of control messages in one write
)

// queue holds encoded frames of one session in two lanes.
type queue struct {
	control chan []byte
	logs    chan []byte
	probe   chan struct{} // wants a ping now
	leave   chan struct{} // closed: write what the lanes hold, then stop
	quit    chan struct{} // closed: stop
	done    chan struct{} // closed by the writer when it has stopped
}

func newQueue() *queue {
	return &queue{
		control: make(chan []byte, controlRoom),
		logs:    make(chan []byte, logRoom),
		probe:   make(chan struct{}, 1),
		leave:   make(chan struct{}),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
	}
}

// put waits for room in a lane.
func (q *queue) put(ctx context.Context, frame []byte, log bool) error {
	lane := q.control
	if log {
		lane = q.logs
	}
	select {
	case <-q.done:
		return ErrNotConnected
	default:
	}
	select {
	case lane <- frame:
		return nil
	case <-q.done:
		return ErrNotConnected
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sendOwn queues one of the link's own messages as control.
func (q *queue) sendOwn(m wire.Message) {
	if frame, err := wire.Encode(m); err == nil {
		_ = q.put(context.Background(), frame, false)
	}
}

// more adds to first what else waits in the control lane, up to maxBatch.
func (q *queue) more(first []byte) [][]byte {
	batch := [][]byte{first}
	for size := len(first); size < maxBatch; {
		select {
		case f := <-q.control:
			batch = append(batch, f)
			size += len(f)
		default:
			return batch
		}
	}
	return batch
}

// rest returns what both lanes hold, for the end of the session.
func (q *queue) rest() (batch [][]byte) {
	take := func(lane chan []byte) {
		for range cap(lane) { // and no more, even if senders go on filling it
			select {
			case f := <-lane:
				batch = append(batch, f)
			default:
				return
			}
		}
	}
	take(q.control)
	take(q.logs)
	return batch
}
