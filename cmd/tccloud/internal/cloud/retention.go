package cloud

import (
	"cmp"
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

// day is a day of the lives below.
const day = 24 * time.Hour

const (
	// marksFor is how long the mark of a removed record stays, for other gateways to see.
	marksFor = day
	// metricsFor is how long an App's metrics stay to which nothing is added: a year is compared with
	// the one before.
	metricsFor = 800 * day
)

// keep is how long an execution is kept, with all that belongs to it, and a revoked server, which it
// names.
func (c *Config) keep() time.Duration { return cmp.Or(c.Keep, 45*day) }

// byKeeper returns f for the one gateway that removes what is stored, and nothing for the others.
func (c *cloud) byKeeper(f func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if !c.dispatcher.Keeper() {
			return nil
		}
		return f(ctx)
	}
}

// retention returns the functions that remove what is too old or too much, besides published files.
// One gateway does, by a lease; for others they do nothing.
func (c *cloud) retention(st *store.Store, k *catalogParts, keep time.Duration) []func(context.Context) error {
	none := func(string, []byte) bool { return false }
	absences := c.registry.Absences()
	return []func(context.Context) error{
		c.dispatcher.Trim,
		c.byKeeper(func(ctx context.Context) error {
			connected, err := fleet{c.gateway}.Connected(ctx)
			if err != nil {
				return err
			}
			return absences.Note(ctx, connected, time.Now())
		}),
		c.byKeeper(c.users.Sweep),
		c.byKeeper(func(ctx context.Context) error { return st.Expire(ctx, audit.Stream, audit.Life) }),
		c.byKeeper(func(ctx context.Context) error {
			return k.apps.Sweep(ctx, c.dispatcher.Contexts()) // the keeper knows which are in use
		}),
		c.byKeeper(func(ctx context.Context) error {
			_, err := st.Trim(ctx, services.EventsBucket, retention.Bound{Age: services.EventsLife, Bytes: st.Share(16, 1<<30)}, func(string, []byte) bool { return true })
			return err
		}),
		c.byKeeper(func(ctx context.Context) error {
			if err := c.registry.Sweep(ctx, keep); err != nil {
				return err
			}
			if _, err := st.Trim(ctx, registry.Bucket, retention.Bound{Age: marksFor}, none); err != nil {
				return fmt.Errorf("sweeping the registry: %w", err)
			}
			return c.dispatcher.Forget(ctx, func(xid wire.ServerXID) bool {
				_, err := c.registry.Server(xid)
				return err == nil
			})
		}),
	}
}
