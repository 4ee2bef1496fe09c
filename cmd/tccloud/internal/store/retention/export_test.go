package retention

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ExpireAt is Expire at another time.
func ExpireAt(ctx context.Context, st jetstream.Stream, now time.Time, age time.Duration) error {
	return expiry{Stream: st, now: now, age: age}.purge(ctx)
}
