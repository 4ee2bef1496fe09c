package presence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// Forget removes the claims of servers that known does not know from memory and, with stored, from the
// bucket: of all gateways one does that, and nobody is told. Epochs still grow: they are revisions of the
// bucket, not of the key.
func (r *Registry) Forget(ctx context.Context, known func(wire.ServerXID) bool, stored bool) error {
	r.mu.Lock()
	old := slices.Concat(slices.Collect(maps.Keys(r.sessions)), slices.Collect(maps.Keys(r.refused)))
	r.mu.Unlock()
	old = slices.DeleteFunc(old, known) // it has locks of its own
	r.mu.Lock()
	for _, xid := range old {
		if time.Since(r.sessions[xid].learnt) > forgetClaims && time.Since(r.refused[xid]) > forgetClaims {
			delete(r.sessions, xid)
			delete(r.left, xid)
			delete(r.refused, xid)
		}
	}
	r.mu.Unlock()
	if !stored {
		return nil
	}
	_, err := r.cfg.Store.Trim(ctx, bucketName, retention.Bound{Age: forgetClaims}, func(key string, _ []byte) bool {
		return !known(wire.ServerXID(key))
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
