package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// KVOptions shape a bucket; the zero value keeps the newest value of each key for ever, on disk,
// fsynced.
type KVOptions struct {
	// History is how many values of a key are kept, 0 = 1.
	History uint8
	// TTL is how long after its last write a key is removed, by the clock of the moment: only for
	// what may be removed at any time. 0 = never.
	TTL time.Duration
	// Newest: every Get is answered by the copy that takes the writes, so that after a refused
	// write it returns the value that made it fail, or a newer one.
	Newest bool
	// Memory keeps the bucket in memory only.
	Memory bool
}

// KV returns the bucket of values called name ([A-Za-z0-9_-]), created or brought up to date.
func (s *Store) KV(ctx context.Context, name string, o KVOptions) (jetstream.KeyValue, error) {
	cfg := jetstream.KeyValueConfig{Bucket: name, History: max(o.History, 1), TTL: o.TTL, Replicas: s.replicas}
	if o.Memory {
		cfg.Storage = jetstream.MemoryStorage
	}
	s.remember(bucket.ValuesPrefix+name, func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdateKeyValue(ctx, cfg)
		return err
	})
	kv, err := made(ctx, s, func(ctx context.Context) (jetstream.KeyValue, error) { return s.js.CreateOrUpdateKeyValue(ctx, cfg) })
	if err != nil {
		return nil, fmt.Errorf("opening bucket %q: %w", name, err)
	}
	if o.Newest && s.replicas > 1 {
		if err := s.leaderOnly(ctx, bucket.ValuesPrefix+name); err != nil {
			return nil, fmt.Errorf("opening bucket %q: %w", name, err)
		}
		// It looks once whether copies may answer.
		kv, err = made(ctx, s, func(ctx context.Context) (jetstream.KeyValue, error) { return s.js.KeyValue(ctx, name) })
		if err != nil {
			return nil, fmt.Errorf("opening bucket %q: %w", name, err)
		}
	}
	stream, err := s.stream(ctx, bucket.ValuesPrefix+name)
	if err != nil {
		return nil, fmt.Errorf("opening bucket %q: %w", name, err)
	}
	return bucket.NewValues(kv, stream, s.admit), nil
}

// leaderOnly forbids a stream's other copies to answer reads.
func (s *Store) leaderOnly(ctx context.Context, stream string) error {
	st, err := s.stream(ctx, stream)
	if err != nil {
		return err
	}
	cfg := st.CachedInfo().Config
	cfg.AllowDirect = false
	_, err = made(ctx, s, func(ctx context.Context) (jetstream.Stream, error) { return s.js.UpdateStream(ctx, cfg) })
	return err
}

// Objects returns the bucket of objects called name, created or brought up to date. It is for what
// does not fit in a message: Apps, files, large parameters.
func (s *Store) Objects(ctx context.Context, name string) (*bucket.Objects, error) {
	cfg := jetstream.ObjectStoreConfig{Bucket: name, Replicas: s.replicas}
	s.remember(bucket.ObjectsPrefix+name, func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdateObjectStore(ctx, cfg)
		return err
	})
	meta, err := made(ctx, s, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return s.js.CreateOrUpdateObjectStore(ctx, cfg)
	})
	if err != nil {
		return nil, fmt.Errorf("opening object store %q: %w", name, err)
	}
	stream, err := s.stream(ctx, bucket.ObjectsPrefix+name)
	if err != nil {
		return nil, fmt.Errorf("opening object store %q: %w", name, err)
	}
	return bucket.NewObjects(bucket.ObjectsConfig{
		Name: name, Meta: meta, JS: s.js, Stream: stream, Alone: s.replicas == 1, Removing: s.inventory.Removing,
	}), nil
}

// noResources is how NATS says that it has less room than a stream reserves.
const noResources = 10047

// Stream returns the stream that cfg describes, created or brought up to date. The store sets
// Replicas, and lowers MaxBytes to what the disk allows.
func (s *Store) Stream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Replicas = s.replicas
	for {
		st, err := made(ctx, s, func(ctx context.Context) (jetstream.Stream, error) { return s.js.CreateOrUpdateStream(ctx, cfg) })
		if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == noResources && cfg.MaxBytes > quota.LeastBytes {
			cfg.MaxBytes /= 2 // NATS reserves it, and a cluster does not tell us what its disks have
			continue
		}
		s.remember(cfg.Name, func(ctx context.Context) error {
			_, err := s.js.CreateOrUpdateStream(ctx, cfg)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("opening stream %q: %w", cfg.Name, err)
		}
		if s.Embedded() {
			s.fitter.Add(cfg)
		}
		return st, nil
	}
}

// Relaxed returns cfg for a stream whose writes need not be synced one by one: a power cut takes
// the last second of it, so only what can be rebuilt or missed belongs there. An external store's
// copies are its durability, and cfg is returned unchanged.
func (s *Store) Relaxed(cfg jetstream.StreamConfig) jetstream.StreamConfig {
	if s.Embedded() {
		cfg.PersistMode = jetstream.AsyncPersistMode
		s.server.Relax(cfg.Name)
	}
	return cfg
}

// remember notes how a bucket or stream is made, for remake.
func (s *Store) remember(name string, f func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[name] = f
}

// Bytes is how much the store keeps, as it is stored in one copy, by bucket or stream.
func (s *Store) Bytes(ctx context.Context) (map[string]uint64, error) {
	all := map[string]uint64{}
	list := s.js.ListStreams(ctx)
	for info := range list.Info() {
		all[info.Config.Name] = info.State.Bytes
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("asking how much is stored: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(all, func(name string, _ uint64) bool { return s.made[name] == nil }) // others may use the same NATS
	return all, nil
}

// stream returns one that is there.
func (s *Store) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return made(ctx, s, func(ctx context.Context) (jetstream.Stream, error) { return s.js.Stream(ctx, name) })
}

// made calls f, again and again where a cluster's nodes may be starting or electing a leader.
func made[T any](ctx context.Context, s *Store, f func(context.Context) (T, error)) (T, error) {
	if s.Embedded() {
		return f(ctx)
	}
	return bucket.Made(ctx, f)
}
