package dispatch

import (
	"context"
	"iter"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

const (
	// logPoll is how long a follower waits at the end of a log.
	logPoll = 100 * time.Millisecond
	// logQuiet is how long a follower waits for the rest of a log after the execution has ended.
	logQuiet = 2 * time.Second
)

// LogFilter selects pieces of an execution's log.
type LogFilter struct {
	Attempt wire.Attempt // 0 = the current one
	Stream  wire.Stream  // "" = all, interleaved as they arrived
	Offset  int64        // only with Stream: skip so many bytes
	Follow  bool         // go on until the execution has ended and its log is complete
}

// Chunk is a piece of one log stream. The pieces of a stream follow each other without gap or
// overlap.
type Chunk struct {
	wire.Ref
	Stream wire.Stream
	Offset int64 // of Data[0] in the stream
	Data   []byte
}

// Logs yields an execution's log from its beginning. With Follow it goes on to newer attempts if
// none is chosen, and ends when the execution has ended and its log is complete.
func (d *Dispatcher) Logs(ctx context.Context, id wire.OrderID, f LogFilter) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		if err := d.follow(ctx, id, f, func(c Chunk) bool { return yield(c, nil) }); err != nil {
			yield(Chunk{}, err)
		}
	}
}

func (d *Dispatcher) follow(ctx context.Context, id wire.OrderID, f LogFilter, yield func(Chunk) bool) error {
	rec, err := d.get(ctx, id)
	if err != nil {
		return err
	}
	ref, fixed := rec.Ref(), f.Attempt != 0
	if fixed {
		ref.Attempt = f.Attempt
	}
	var seq uint64
	ends := map[wire.Stream]int64{}
	news, over := time.Now(), false
	for {
		p, ok, err := d.logs.Next(ctx, ref, f.Stream, seq)
		if err != nil {
			return err
		}
		if ok {
			seq, news = p.Seq, time.Now()
			ends[p.Stream] = p.Offset + int64(len(p.Data))
			if skip := f.Offset - p.Offset; f.Stream != "" && skip > 0 {
				cut := min(skip, int64(len(p.Data)))
				p.Offset, p.Data = p.Offset+cut, p.Data[cut:]
			}
			if len(p.Data) > 0 && !yield(Chunk{ref, p.Stream, p.Offset, p.Data}) {
				return nil
			}
			continue
		}
		// That was all there is now; the record says whether more may come.
		if rec, err = d.get(ctx, id); err != nil {
			return err
		}
		if rec.Terminal() && !over { // from here on the rest may come
			news, over = time.Now(), true
		}
		switch {
		case !f.Follow || d.complete(rec, ref, f.Stream, ends):
			return nil
		case rec.Terminal() && time.Since(news) > logQuiet:
			return nil
		case rec.Attempt != ref.Attempt && fixed:
			return nil
		case rec.Attempt != ref.Attempt && rec.State != wire.StateQueued:
			ref.Attempt, seq = rec.Attempt, 0
			clear(ends)
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(logPoll):
		}
	}
}

// complete reports whether the result says that all of the log was read.
func (d *Dispatcher) complete(r *record.Record, ref wire.Ref, s wire.Stream, ends map[wire.Stream]int64) bool {
	if r.Result == nil || r.Attempt != ref.Attempt || r.Result.Output == nil {
		return false
	}
	for name, size := range r.Result.Output {
		if (s == "" || s == name) && ends[name] < min(size.Kept, d.cfg.LogStream) {
			return false
		}
	}
	return true
}
