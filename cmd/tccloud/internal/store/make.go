package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// KVOptions shape a bucket; the zero value keeps the newest value of each
// key for ever, on disk, fsynced.
type KVOptions struct {
	// History is how many values of a key are kept, 0 = 1.
	History uint8
	// TTL removes a key so long after its last write, by the clock of the moment: for what may go at any time. 0 = never.
	TTL time.Duration
	// Newest has every Get answered by the copy that takes the writes, so
	// that it never gives an older value than a write that was refused was up against.
	Newest bool
	// Memory keeps the bucket in memory only.
	Memory bool
}

// KV returns the bucket called name ([A-Za-z0-9_-]), created or brought up to date.
func (s *Store) KV(ctx context.Context, name string, o KVOptions) (jetstream.KeyValue, error) {
	cfg := jetstream.KeyValueConfig{Bucket: name, History: max(o.History, 1), TTL: o.TTL, Replicas: s.replicas}
	if o.Memory {
		cfg.Storage = jetstream.MemoryStorage
	}
	s.making("KV_"+name, func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdateKeyValue(ctx, cfg)
		return err
	})
	kv, err := s.js.CreateOrUpdateKeyValue(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening bucket %q: %w", name, err)
	}
	if o.Newest && s.replicas > 1 {
		if err := s.leaderOnly(ctx, "KV_"+name); err != nil {
			return nil, fmt.Errorf("opening bucket %q: %w", name, err)
		}
		if kv, err = s.js.KeyValue(ctx, name); err != nil { // it looks once whether copies may answer
			return nil, fmt.Errorf("opening bucket %q: %w", name, err)
		}
	}
	stream, err := s.js.Stream(ctx, "KV_"+name)
	if err != nil {
		return nil, fmt.Errorf("opening bucket %q: %w", name, err)
	}
	return bucket{kv, stream, s.admit}, nil
}

// leaderOnly forbids a stream's other copies to answer reads.
func (s *Store) leaderOnly(ctx context.Context, stream string) error {
	st, err := s.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	cfg := st.CachedInfo().Config
	cfg.AllowDirect = false
	_, err = s.js.UpdateStream(ctx, cfg)
	return err
}

// noResources is how NATS says that it has less room than a stream reserves.
const noResources = 10047

// Stream returns the stream cfg describes, created or brought up to date;
// Replicas and Storage are the store's business. Of MaxBytes it gets what the disk allows.
func (s *Store) Stream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Replicas = s.replicas
	for {
		st, err := s.js.CreateOrUpdateStream(ctx, cfg)
		if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == noResources && cfg.MaxBytes > leastBytes {
			cfg.MaxBytes /= 2 // NATS reserves it, and a cluster's disks are not ours to ask
			continue
		}
		s.making(cfg.Name, func(ctx context.Context) error {
			_, err := s.js.CreateOrUpdateStream(ctx, cfg)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("opening stream %q: %w", cfg.Name, err)
		}
		s.bounded(cfg)
		return st, nil
	}
}

// Relaxed asks that writes to the stream need not be fsynced one by one:
// what a power cut takes, about the last second (flush), can be rebuilt or missed. With replicas the copies
// are the durability and the configuration is left alone.
func (s *Store) Relaxed(cfg jetstream.StreamConfig) jetstream.StreamConfig {
	if s.Embedded() {
		cfg.PersistMode = jetstream.AsyncPersistMode
		s.mu.Lock()
		s.relaxed[cfg.Name] = true
		s.mu.Unlock()
	}
	return cfg
}
