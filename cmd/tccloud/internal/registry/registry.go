package registry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Bucket is the name of the key-value bucket.
const Bucket = "registry"

const (
	envPrefix = "env."
	srvPrefix = ServerPrefix
)

// ServerPrefix begins the key of each server.
const ServerPrefix = "srv."

// Config is what a Registry needs.
type Config struct {
	KV        jetstream.KeyValue // the bucket, see Bucket
	Authority *pki.Authority
	// Trusted reports whether certificates may be compared with this host's clock; nil = always.
	// Otherwise the time that was confirmed before is used, see KeepTime.
	Trusted func() bool
	Logger  *slog.Logger // nil discards
}

// Registry answers from memory and writes through to the bucket. It is safe for concurrent use.
type Registry struct {
	kv      jetstream.KeyValue
	ca      *pki.Authority
	log     *slog.Logger
	trusted func() bool
	changed chan struct{} // 1 token: something changed since Run last looked

	mu        sync.RWMutex
	envs      map[string]entry[Environment]
	servers   map[wire.ServerXID]entry[record]
	seals     map[wire.ServerXID]entry[sealing]
	delivery  map[digest]wire.ServerXID // of appDeliveryToken, current and pending
	confirmed confirmation
}

// entry is a record with the revision it was read at.
type entry[T any] struct {
	value    T
	revision uint64
}

// Open reads all records and returns when the copy in memory is complete; Run keeps it so.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	r := &Registry{
		kv: cfg.KV, ca: cfg.Authority, log: cfg.Logger, trusted: cfg.Trusted,
		changed:  make(chan struct{}, 1),
		envs:     make(map[string]entry[Environment]),
		servers:  make(map[wire.ServerXID]entry[record]),
		seals:    make(map[wire.ServerXID]entry[sealing]),
		delivery: make(map[digest]wire.ServerXID),
	}
	if err := r.readTime(ctx); err != nil {
		return nil, err
	}
	if err := bucket.Load(ctx, cfg.KV, r.watched); err != nil {
		return nil, fmt.Errorf("reading the registry: %w", err)
	}
	return r, nil
}

func (r *Registry) watched(e jetstream.KeyValueEntry) {
	r.apply(e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut)
}

// Authority is the CA that signs this registry's client certificates.
func (r *Registry) Authority() *pki.Authority { return r.ca }
