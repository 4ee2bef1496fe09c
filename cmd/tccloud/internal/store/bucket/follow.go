package bucket

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ReadAttempts is how often an ordered consumer that cannot be made is tried: without a bound NATS's
// client tries for ever, and does not look at its caller's context.
const ReadAttempts = 3

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
