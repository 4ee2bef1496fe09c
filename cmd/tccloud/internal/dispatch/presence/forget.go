package presence

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// Forget removes the claims of servers that known does not know. Epochs still grow: they are
// revisions of the bucket, not of the key.
func (r *Registry) Forget(ctx context.Context, known func(wire.ServerXID) bool) error {
	_, err := r.cfg.Store.Trim(ctx, bucketName, retention.Bound{Age: forgetClaims}, func(key string, _ []byte) bool {
		if known(wire.ServerXID(key)) {
			return false
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.sessions, wire.ServerXID(key))
		delete(r.left, wire.ServerXID(key))
		return true
	})
	if err != nil {
		return fmt.Errorf("forgetting sessions: %w", err)
	}
	return nil
}

const (
	bucketName = "sessions"
	// forgetClaims is how old such a claim must be: another gateway may know a new server already.
	forgetClaims = time.Hour
)
