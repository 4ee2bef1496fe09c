package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience is how long a write or a read is tried again. It is shorter than
// what a stream remembers of message ids (two minutes).
const patience = 30 * time.Second

// busy means that the server has dropped the message unread, because more
// came in than its disk takes ("too many requests"). Nothing was stored.
func busy(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code == http.StatusTooManyRequests
}

// unsure means that the request may have been served: no answer came in time.
func unsure(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) // between two leaders
}

// retry repeats f, with jitter, while again finds its error passing, for as
// long as patience and ctx allow.
func retry[T any](ctx context.Context, again func(error) bool, f func() (T, error)) (T, error) {
	end := time.Now().Add(patience)
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

// retryNil is retry for what only fails or not.
func retryNil(ctx context.Context, f func() error) error {
	_, err := retry(ctx, busy, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// bucket is a jetstream.KeyValue whose writes outlast a busy server and stay away
// from the end of the disk, and whose reads know absence from failure. Removing needs no
// room to speak of.
type bucket struct {
	jetstream.KeyValue
	stream jetstream.Stream
	admit  func() error
}

func (b bucket) write(ctx context.Context, f func() (uint64, error)) (uint64, error) {
	if err := b.admit(); err != nil {
		return 0, err
	}
	return retry(ctx, busy, f)
}

func (b bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return b.write(ctx, func() (uint64, error) { return b.KeyValue.Put(ctx, key, value) })
}

func (b bucket) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	return b.write(ctx, func() (uint64, error) { return b.KeyValue.Create(ctx, key, value, opts...) })
}

func (b bucket) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return b.write(ctx, func() (uint64, error) { return b.KeyValue.Update(ctx, key, value, revision) })
}

func (b bucket) Delete(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return retryNil(ctx, func() error { return b.KeyValue.Delete(ctx, key, opts...) })
}

func (b bucket) Purge(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return retryNil(ctx, func() error { return b.KeyValue.Purge(ctx, key, opts...) })
}

// streams is a jetstream.JetStream whose publishing does, too.
type streams struct {
	jetstream.JetStream
	admit func() error
}

func (s streams) Publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := s.admit(); err != nil {
		return nil, err
	}
	return retry(ctx, busy, func() (*jetstream.PubAck, error) { return s.JetStream.Publish(ctx, subject, data, opts...) })
}

func (s streams) PublishMsg(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := s.admit(); err != nil {
		return nil, err
	}
	return retry(ctx, busy, func() (*jetstream.PubAck, error) { return s.JetStream.PublishMsg(ctx, m, opts...) })
}
