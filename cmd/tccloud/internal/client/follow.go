package client

import (
	"context"
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// outageTimeout is how long Wait and Follow go on while the cloud does not answer: a restart takes
// seconds.
const (
	outageTimeout = time.Minute
	pause         = 500 * time.Millisecond
)

// Wait returns an execution when it has ended. change, if not nil, is called with each of its
// states.
func (c *Client) Wait(ctx context.Context, id wire.OrderID, change func(v1.Execution)) (v1.Execution, error) {
	var last v1.Execution
	err := c.retryOutage(ctx, func() (bool, error) {
		for e, err := range c.Watch(ctx, id) {
			if err != nil {
				return false, err
			}
			if change != nil && (e.State != last.State || e.Attempt != last.Attempt) {
				change(e)
			}
			if last = e; e.Ended {
				return true, nil
			}
		}
		return false, nil // ended in an orderly way: by a restart, or by a proxy
	})
	return last, err
}

// Follow calls write with every piece of the log, as it comes, until the execution has ended and
// its log is complete. After an outage it goes on where it was. After an attempt that was
// interrupted it goes on with the next one.
func (c *Client) Follow(ctx context.Context, id wire.OrderID, q LogQuery, write func(v1.Chunk) error) error {
	type stream struct {
		attempt wire.Attempt
		name    wire.Stream
	}
	seen := make(map[stream]int64)
	q.Follow = true
	return c.retryOutage(ctx, func() (bool, error) {
		before, err := c.Execution(ctx, id)
		if err != nil {
			return false, err
		}
		for chunk, err := range c.Logs(ctx, id, q) {
			if err != nil {
				return false, err
			}
			s := stream{chunk.Attempt, chunk.Stream}
			skip := seen[s] - chunk.Offset // printed before the break
			if skip >= int64(len(chunk.Data)) {
				continue
			}
			if skip > 0 {
				chunk.Data, chunk.Offset = chunk.Data[skip:], chunk.Offset+skip
			}
			seen[s] = chunk.Offset + int64(len(chunk.Data))
			if err := write(chunk); err != nil {
				return false, errWrite{err}
			}
		}
		after, err := c.Execution(ctx, id)
		return err == nil && after.Ended && (before.Attempt == after.Attempt || q.Attempt > 0), err
	})
}

// errWrite is an error of the caller's write function, not of the connection.
type errWrite struct{ error }

func (e errWrite) Unwrap() error { return e.error }

// retryOutage calls try until it is done, the cloud refuses, or the cloud has not answered for
// outageTimeout.
func (c *Client) retryOutage(ctx context.Context, try func() (done bool, err error)) error {
	good := time.Now()
	for {
		done, err := try()
		_, refused := errors.AsType[*v1.Error](err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case done:
			return nil
		case err == nil:
			good = time.Now()
		case refused || !errors.Is(err, ErrUnreachable) || time.Since(good) > outageTimeout:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
