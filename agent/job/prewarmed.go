package job

import (
	"context"
	"time"
)

// How long Run waits after a prewarmed shim that ended by itself.
const (
	prewarmRetry    = time.Second
	prewarmRetryMax = time.Minute
)

// Run keeps one prewarmed shim waiting for the next [Executor.Start] until ctx ends: the start of a
// process, and of sudo before it, takes most of the time from an order to its App. Without Run, or
// when jobs come faster, Start starts a shim of its own.
//
// The prewarmed shim knows nothing until it is used. It ends when the agent's end of its stdin is
// closed, which the death of the agent does, too.
func (e *Executor) Run(ctx context.Context) error {
	for retry := prewarmRetry; ctx.Err() == nil; {
		h, err := e.startShim(ctx)
		if err == nil {
			select {
			case e.prewarmed <- h:
				retry = prewarmRetry
				select { // the next one must not get in this one's way
				case <-h.answered:
				case <-ctx.Done():
				}
				continue
			case <-h.ended:
				err = e.explain(h, errNoAnswer)
			case <-ctx.Done():
				_ = h.in.Close()
				h.awaitEnd()
				return nil
			}
		}
		e.log.Debug("prewarmed shim ended", "err", err)
		select {
		case <-time.After(retry):
			retry = min(2*retry, prewarmRetryMax)
		case <-ctx.Done():
		}
	}
	return nil
}

// takePrewarmed is the waiting shim, nil if there is none or it is not wanted.
func (e *Executor) takePrewarmed(wanted bool) *startedShim {
	if !wanted {
		return nil
	}
	select {
	case h := <-e.prewarmed:
		h.prewarmed = true
		return h
	default:
		return nil
	}
}
