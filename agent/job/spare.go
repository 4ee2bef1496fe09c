package job

import (
	"context"
	"time"
)

// How long Run waits after a spare that ended by itself.
const (
	spareRetry    = time.Second
	spareRetryMax = time.Minute
)

// Run keeps one shim waiting for the next Start until ctx ends: the start of
// a process, and of sudo before it, is most of the way from an order to its
// App. Without Run, or when jobs come faster, Start hires a shim of its own.
//
// The spare knows nothing until it is used, and ends when the agent's end
// of its stdin is closed, which the agent's death does, too.
func (e *Executor) Run(ctx context.Context) error {
	for retry := spareRetry; ctx.Err() == nil; {
		h, err := e.hire(ctx)
		if err == nil {
			select {
			case e.spare <- h:
				retry = spareRetry
				select { // the next one must not get in this one's way
				case <-h.answered:
				case <-ctx.Done():
				}
				continue
			case <-h.ended:
				err = e.explain(h, errNoAnswer)
			case <-ctx.Done():
				_ = h.in.Close()
				h.lastWords() // waits for its end
				return nil
			}
		}
		e.log.Debug("spare shim ended", "err", err)
		select {
		case <-time.After(retry):
			retry = min(2*retry, spareRetryMax)
		case <-ctx.Done():
		}
	}
	return nil
}

// takeSpare is the waiting shim, nil if there is none.
func (e *Executor) takeSpare() *hired {
	select {
	case h := <-e.spare:
		h.spare = true
		return h
	default:
		return nil
	}
}
