package bucket

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// refollow is the pause before a lost watch is begun again.
const refollow = time.Second

// Follow calls seen with every entry of the bucket, then once with nil, and then with every change,
// until ctx ends. A watch that is lost begins again with every entry, so that no change is missed:
// seen has to tell by the revision what it knows already. It returns nil.
func Follow(ctx context.Context, kv jetstream.KeyValue, seen func(jetstream.KeyValueEntry)) error {
	for {
		if w, err := kv.WatchAll(ctx); err == nil {
			follow(ctx, w, seen)
			_ = w.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(refollow):
		}
	}
}

func follow(ctx context.Context, w jetstream.KeyWatcher, seen func(jetstream.KeyValueEntry)) {
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.Updates():
			if !ok {
				return
			}
			seen(e)
		}
	}
}
