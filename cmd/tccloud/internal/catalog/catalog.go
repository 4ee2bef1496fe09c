package catalog

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/catalog/upload"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Names of the buckets.
const (
	AppsBucket  = "apps"
	BlobsBucket = "app_content"
	FilesBucket = "published_files"
)

// Orders tells which attempts agents may ask for.
type Orders interface {
	Params(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (map[string]string, error)
	Owner(ctx context.Context, id wire.OrderID, attempt wire.Attempt) (wire.ServerXID, bool, error)
}

// Servers tells which server an appDeliveryToken belongs to.
type Servers interface {
	Deliver(token string) (wire.ServerXID, error)
}

// Config of a Catalog. All fields but Logger and those with a default are required.
type Config struct {
	Apps      jetstream.KeyValue // AppsBucket
	Blobs     *blob.Store
	Uploads   *upload.Store
	Orders    Orders
	Servers   Servers
	Retention time.Duration // of published files, 0 = 45 days
	Bytes     int64         // of all published files, 0 = any
	// Keeper reports whether this gateway is the one that removes what is stored; nil = it is.
	Keeper func() bool
	// Room returns an error if there is no space for a file of so many bytes; nil: there always is.
	Room func(bytes int64) error
	// Trusted reports whether this host's clock tells the age of files; nil = always.
	Trusted func() bool
	Logger  *slog.Logger
}

// Catalog is safe for concurrent use.
type Catalog struct {
	apps      jetstream.KeyValue
	memory    *memory // of apps, while Run runs
	blobs     *blob.Store
	uploads   *upload.Store
	orders    Orders
	servers   Servers
	retention time.Duration
	bytes     int64
	keeper    func() bool
	room      func(bytes int64) error
	trusted   func() bool
	log       *slog.Logger
}

// New returns a catalog over its parts.
func New(cfg Config) *Catalog {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	if cfg.Retention == 0 {
		cfg.Retention = 45 * 24 * time.Hour
	}
	if cfg.Keeper == nil {
		cfg.Keeper = func() bool { return true }
	}
	if cfg.Room == nil {
		cfg.Room = func(int64) error { return nil }
	}
	return &Catalog{cfg.Apps, newMemory(), cfg.Blobs, cfg.Uploads, cfg.Orders, cfg.Servers, cfg.Retention, cfg.Bytes, cfg.Keeper, cfg.Room, cfg.Trusted, cfg.Logger}
}

// sweepEvery is how often Run removes old files, and firstSweep when it does so first: when it is known
// which gateway has to.
const (
	sweepEvery = 10 * time.Minute
	firstSweep = 20 * time.Second
)

// Run keeps the catalog's entries in memory and removes old published files, until ctx ends. It calls the functions in sweep at the same
// times, which do so for other parts.
func (c *Catalog) Run(ctx context.Context, sweep ...func(context.Context) error) error {
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() { _ = bucket.Follow(ctx, c.apps, c.memory.take) })
	next := time.NewTimer(firstSweep)
	defer next.Stop()
	sweep = append(sweep, func(ctx context.Context) error {
		if !c.keeper() {
			return nil
		}
		age := c.retention
		if !c.trusted() {
			age = math.MaxInt64 // by a clock that may be wrong nothing is old
		}
		return c.uploads.Sweep(ctx, age, c.bytes, c.ended(ctx))
	})
	run := func(sweep ...func(context.Context) error) {
		for _, s := range sweep {
			if err := s(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("old files not removed, trying again later", "err", err)
			}
		}
	}
	for {
		run(func(context.Context) error { return c.uploads.SweepPartial() }) // of this host
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
			next.Reset(sweepEvery)
		}
		run(sweep...)
	}
}

// ended returns a function that reports whether the files of an attempt may be removed: not if it
// may publish more, nor if that could not be found out.
func (c *Catalog) ended(ctx context.Context) func(wire.Ref) bool {
	return func(ref wire.Ref) bool {
		_, current, err := c.orders.Owner(ctx, ref.Order, ref.Attempt)
		return err == nil && !current || errors.Is(err, dispatch.ErrNotFound)
	}
}
