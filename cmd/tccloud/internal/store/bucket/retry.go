package bucket

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// retryTimeout is how long a write or a read is tried again. It is shorter than the two minutes for
// which a stream remembers message ids.
const retryTimeout = 30 * time.Second

// busy reports that the server dropped the message unread, because more came in than its disk takes
// ("too many requests"). Nothing was stored.
func busy(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code == http.StatusTooManyRequests
}

// Unanswered reports that nobody answered a request in time, as between two leaders of a cluster. It may
// have been served.
func Unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// retry calls f again, with jitter, while again says that its error may pass, until retryTimeout or
// ctx ends.
func retry[T any](ctx context.Context, again func(error) bool, f func() (T, error)) (T, error) {
	end := time.Now().Add(retryTimeout)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		v, err := f()
		if err == nil || !again(err) || ctx.Err() != nil || time.Now().After(end) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, err
		case <-time.After(wait/2 + rand.N(wait)):
		}
	}
}

// retryBusy is retry of a busy server, for functions that return an error only.
func retryBusy(ctx context.Context, f func() error) error {
	_, err := retry(ctx, busy, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// Made is f, which makes a bucket or a stream, or brings one up to date, and may be called again: a
// cluster whose nodes are starting, or elect a leader, does not answer, or not yet with all it has.
// Where two gateways make the same thing at once, one of them may get no answer at all: so the first
// wait for one is short.
func Made[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	wait := firstAnswer
	return retry(ctx, unready, func() (T, error) {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		wait = min(2*wait, lastAnswer)
		return f(ctx)
	})
}

// unready reports that a cluster may do what it was asked for in a moment: one of its nodes may not
// know yet what another one has just made.
func unready(err error) bool {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok &&
		(api.Code == http.StatusTooManyRequests || api.Code == http.StatusServiceUnavailable || api.ErrorCode == noPeers) {
		return true
	}
	return Unanswered(err) || errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
}

// firstAnswer and lastAnswer are how long Made waits for an answer, at first and at most.
const (
	firstAnswer = time.Second
	lastAnswer  = 8 * time.Second
)

// noPeers is how NATS says that a new stream has not enough nodes.
const noPeers = 10005
