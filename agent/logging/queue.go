package logging

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// queueLength is how many records may wait for a reader that does not read.
const queueLength = 4096

// lastWait is how long Close waits for such a reader.
const lastWait = 2 * time.Second

// queue is a writer that never blocks, in front of one that may, such as a full pipe.
//
//	Write ─► records ─► goroutine ─► out
//	  └─ full: dropped and counted; the next record that fits tells how many
type queue struct {
	out  io.Writer
	done chan struct{}

	mu      sync.Mutex
	records chan []byte // nil after Close
	lost    int
}

func newQueue(out io.Writer) *queue {
	q := &queue{out: out, done: make(chan struct{}), records: make(chan []byte, queueLength)}
	go func(records <-chan []byte) {
		defer close(q.done)
		for r := range records {
			_, _ = q.out.Write(r)
		}
	}(q.records)
	return q
}

// Write queues one record.
func (q *queue) Write(record []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := bytes.Clone(record)
	if q.lost > 0 {
		r = append(lossOf(q.lost), record...)
	}
	select {
	case q.records <- r: // blocks for ever if it is nil
		q.lost = 0
	default:
		q.lost++
	}
	return len(record), nil
}

// Close waits until all records are written, or until lastWait has passed.
func (q *queue) Close() error {
	q.mu.Lock()
	if q.records != nil {
		close(q.records)
		q.records = nil
	}
	q.mu.Unlock()
	timer := time.NewTimer(lastWait)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
	}
	return nil
}

// lossOf returns the record that tells how many were lost.
func lossOf(n int) []byte {
	return fmt.Appendf(nil, "level=WARN msg=\"log records were lost\" count=%d\n", n)
}
