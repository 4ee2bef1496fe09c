package bucket

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Values is a jetstream.KeyValue whose writes outlast a busy server and stay away from the end of
// the disk, and whose reads tell absence from failure.
type Values struct {
	jetstream.KeyValue
	stream jetstream.Stream
	admit  func() error
}

// ValuesPrefix is what the name of a stream starts with that holds a bucket of values.
const ValuesPrefix = "KV_"

// NewValues wraps a bucket and the stream that holds it. Each write asks admit first; removing does
// not, because it needs next to no space.
func NewValues(kv jetstream.KeyValue, stream jetstream.Stream, admit func() error) Values {
	return Values{kv, stream, admit}
}

func (b Values) write(ctx context.Context, f func() (uint64, error)) (uint64, error) {
	if err := b.admit(); err != nil {
		return 0, err
	}
	return retry(ctx, busy, f)
}

// Put implements jetstream.KeyValue.
func (b Values) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return b.write(ctx, func() (uint64, error) { return b.KeyValue.Put(ctx, key, value) })
}

// Create implements jetstream.KeyValue.
func (b Values) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	return b.write(ctx, func() (uint64, error) { return b.KeyValue.Create(ctx, key, value, opts...) })
}

// Update implements jetstream.KeyValue.
func (b Values) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return b.write(ctx, func() (uint64, error) { return b.KeyValue.Update(ctx, key, value, revision) })
}

// Delete implements jetstream.KeyValue.
func (b Values) Delete(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return retryBusy(ctx, func() error { return b.KeyValue.Delete(ctx, key, opts...) })
}

// Purge implements jetstream.KeyValue.
func (b Values) Purge(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return retryBusy(ctx, func() error { return b.KeyValue.Purge(ctx, key, opts...) })
}

// Get returns the newest value of the key. It is jetstream.ErrKeyNotFound only where there
// certainly is none, and ErrUnreadable where there is one.
func (b Values) Get(ctx context.Context, key string) (jetstream.KeyValueEntry, error) {
	e, err := b.KeyValue.Get(ctx, key)
	if !errors.Is(err, jetstream.ErrKeyNotFound) {
		return e, err
	}
	there, why := present(ctx, b.stream, "$KV."+b.Bucket()+"."+key)
	switch {
	case why != nil:
		return nil, fmt.Errorf("reading key %q of bucket %q: %w", key, b.Bucket(), why)
	case there: // the mark of a deletion, or written a moment ago
		return b.KeyValue.Get(ctx, key)
	}
	return nil, err
}
