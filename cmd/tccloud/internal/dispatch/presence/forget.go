package presence

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// Forget removes the claims of servers that are not known any more. Epochs
// go on where they were: they are the bucket's, not the key's.
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
	// forgetClaims spares servers that other gateways know already.
	forgetClaims = time.Hour
)
