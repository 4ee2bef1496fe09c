package cloud

import (
	"context"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/retention"
)

// revokedFor is how long a revoked server is kept: as long as executions, which name it.
const revokedFor = 45 * 24 * time.Hour

// marksFor is how long the mark of a removed record stays, for other gateways to see.
const marksFor = 24 * time.Hour

// retention returns the functions that remove what is too old or too much, besides published files.
// Any number of gateways may call them at the same time.
func (c *cloud) retention(st *store.Store, k *catalogParts) []func(context.Context) error {
	none := func(string, []byte) bool { return false }
	return []func(context.Context) error{
		c.dispatcher.Trim,
		c.users.Sweep,
		func(ctx context.Context) error { return st.Expire(ctx, audit.Stream, audit.Life) },
		func(ctx context.Context) error {
			select {
			case <-c.dispatcher.Ready(): // before that it does not know which values are in use
			case <-ctx.Done():
				return ctx.Err()
			}
			return k.apps.Sweep(ctx, c.dispatcher.Contexts())
		},
		func(ctx context.Context) error {
			_, err := st.Trim(ctx, services.EventsBucket, retention.Bound{Age: services.EventsLife, Bytes: st.Share(16, 1<<30)}, func(string, []byte) bool { return true })
			return err
		},
		func(ctx context.Context) error {
			if err := c.registry.Sweep(ctx, revokedFor); err != nil {
				return err
			}
			if _, err := st.Trim(ctx, registry.Bucket, retention.Bound{Age: marksFor}, none); err != nil {
				return fmt.Errorf("sweeping the registry: %w", err)
			}
			return c.dispatcher.Forget(ctx, func(xid wire.ServerXID) bool {
				_, err := c.registry.Server(xid)
				return err == nil
			})
		},
	}
}
