package dispatch

import (
	"context"
	"time"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	// Election is how long a cluster that lost a node may take to elect who takes that one's writes. NATS
	// waits for up to nine seconds before it begins.
	Election = 15 * time.Second
	// electionPause is the pause between two tries of what nobody takes meanwhile; NATS's client has tried
	// for half a second.
	electionPause = 50 * time.Millisecond
)

// elected calls f again while nobody answers it and this may be an election, until ctx ends: an agent that
// waits for it is back earlier than one that is sent away. f may be carried out several times.
func elected(ctx context.Context, failing func() time.Duration, f func() error) error {
	for {
		err := f()
		if err == nil || !bucket.Unanswered(err) || failing() > Election {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(electionPause):
		}
	}
}
