package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Sweep removes links that have expired, names that nobody has any more, and servers that were revoked at least revokedFor ago and
// got no new bundle since.
func (r *Registry) Sweep(ctx context.Context, revokedFor time.Duration) error {
	for _, s := range r.Servers("") {
		if s.Revoked == nil || s.PendingBundle != nil || time.Since(*s.Revoked) < revokedFor {
			continue
		}
		if err := r.sweep(ctx, srvPrefix+string(s.XID), func(value []byte) bool {
			var now record
			return json.Unmarshal(value, &now) == nil && now.Revoked != nil && now.Pending == nil
		}); err != nil {
			return fmt.Errorf("removing server %q, which was revoked: %w", s.XID, err)
		}
		if err := r.sweep(ctx, sealPrefix+string(s.XID), func([]byte) bool {
			_, err := r.Server(s.XID)
			return errors.Is(err, ErrNotFound)
		}); err != nil {
			return fmt.Errorf("removing the sealing key of server %q: %w", s.XID, err)
		}
		r.log.Info("revoked server removed", "server", s.XID, "name", s.Name, "revoked", *s.Revoked)
	}
	if err := r.sweepClaims(ctx); err != nil {
		return err
	}
	keys, err := r.kv.ListKeysFiltered(ctx, linkPrefix+"*")
	if err != nil {
		return fmt.Errorf("sweeping links: %w", err)
	}
	for key := range keys.Keys() {
		if err := r.sweep(ctx, key, func(value []byte) bool {
			var l link
			return json.Unmarshal(value, &l) == nil && time.Now().After(l.Expires)
		}); err != nil {
			return fmt.Errorf("removing a link that has expired: %w", err)
		}
	}
	return nil
}

// sweep removes a record if it is still old. One that changes meanwhile stays.
func (r *Registry) sweep(ctx context.Context, key string, old func(value []byte) bool) error {
	e, err := r.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) || err == nil && !old(e.Value()) {
		return nil
	}
	if err != nil {
		return err
	}
	err = r.kv.Delete(ctx, key, jetstream.LastRevision(e.Revision()))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil
	}
	if err == nil && (strings.HasPrefix(key, srvPrefix) || strings.HasPrefix(key, sealPrefix)) {
		r.apply(key, nil, e.Revision()+1, true)
	}
	return err
}
