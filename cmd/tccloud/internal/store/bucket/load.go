package bucket

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// Load calls seen with every entry that is in the bucket now, also with what is left of one that was
// removed. Without an error that were all.
func Load(ctx context.Context, kv jetstream.KeyValue, seen func(jetstream.KeyValueEntry)) error {
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errors.New("the connection to the store was closed before all of it was read")
			case e == nil:
				return nil
			}
			seen(e)
		}
	}
}
