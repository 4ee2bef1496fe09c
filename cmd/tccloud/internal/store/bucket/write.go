package bucket

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// Read returns a value that [Write] stored, with its revision, or jetstream.ErrKeyNotFound.
func Read[T any](ctx context.Context, kv jetstream.KeyValue, key string) (*T, uint64, error) {
	e, err := kv.Get(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	v := new(T)
	if err := json.Unmarshal(e.Value(), v); err != nil {
		return nil, 0, err
	}
	return v, e.Revision(), nil
}

// Write stores v as JSON over the revision that it was made from, 0 where there was none. It returns
// the new revision and what was stored; see [Overtaken] for its error.
func Write(ctx context.Context, kv jetstream.KeyValue, key string, v any, over uint64) (uint64, []byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return 0, nil, err
	}
	var revision uint64
	if over == 0 {
		revision, err = kv.Create(ctx, key, data)
	} else {
		revision, err = kv.Update(ctx, key, data, over)
	}
	return revision, data, err
}

// Overtaken reports whether a write failed because another writer was faster. One store says so in
// other words than several that are one.
func Overtaken(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}
