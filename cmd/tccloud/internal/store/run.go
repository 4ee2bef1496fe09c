package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/cmd/tccloud/internal/store/inventory"
)

const (
	// healthBucket is what probes write to.
	healthBucket = "health"
	// probeEvery is the time between two writes that show that the store takes writes.
	probeEvery = time.Second
	// probeTimeout is how long such a write may take.
	probeTimeout = 3 * time.Second
	// inventoryEvery is the time between two looks at what the store holds.
	inventoryEvery = 5 * time.Second
	// fitEvery is the time between two adaptations of limits to the disk.
	fitEvery = 20 * time.Second
)

// Run keeps the store until ctx ends: it writes a few bytes each second, so that Health knows; it
// opens an embedded server again whose files failed, keeps its inventory, fits its streams to the
// disk and syncs the Relaxed ones. It returns an inventory.LossError when a store that was opened
// again has lost something.
func (s *Store) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watch(ctx) })
	if s.Embedded() {
		g.Go(func() error { return s.maintain(ctx) })
		g.Go(func() error { return s.server.Flush(ctx) })
	}
	return g.Wait()
}

// watch probes the store, and opens an embedded server again whose files failed.
func (s *Store) watch(ctx context.Context) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var kv jetstream.KeyValue
	complete := true // the server has all that was made
	for {
		if s.Embedded() {
			if err := s.server.Failure(); err != nil {
				s.note(time.Now(), err)
				s.server.Reopen(ctx, func(err error) { s.note(time.Now(), err) })
				kv, complete = nil, false
			}
		}
		began := time.Now()
		var err error
		if !complete {
			if err = s.inventory.Check(ctx, false); err == nil {
				err = s.remake(ctx)
			}
			if loss, ok := errors.AsType[*inventory.LossError](err); ok {
				return fmt.Errorf("opening store again: %w", loss)
			}
			complete = err == nil
		}
		if err == nil {
			kv, err = s.probeWrite(ctx, kv)
		}
		if ctx.Err() != nil {
			return nil
		}
		s.note(began, err)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// probeWrite stores this process's name in a bucket of its own.
func (s *Store) probeWrite(ctx context.Context, kv jetstream.KeyValue) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if kv == nil {
		err := s.admit() // NATS says of a full disk only that something failed
		if err != nil {
			return nil, err
		}
		if kv, err = s.KV(ctx, healthBucket, KVOptions{TTL: time.Hour}); err != nil {
			return nil, err
		}
	}
	_, err := kv.Put(ctx, s.id, nil)
	return kv, err
}

// maintain keeps the inventory, and the limits of streams that may shrink with the disk.
func (s *Store) maintain(ctx context.Context) error {
	tick := time.NewTicker(inventoryEvery)
	defer tick.Stop()
	var fitted time.Time
	for {
		well := s.Health().Err == nil
		if well && time.Since(fitted) > fitEvery {
			fitted = time.Now()
			if err := s.fitter.Fit(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("logs were not fitted to the disk", "err", err)
			}
		}
		if well {
			s.inventory.Write()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// remake makes again the buckets and streams that the server did not find on the disk: those that
// were made a moment before its end and not synced, because they are Relaxed.
func (s *Store) remake(ctx context.Context) error {
	s.mu.Lock()
	made := maps.Clone(s.made)
	s.mu.Unlock()
	for _, f := range made {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}
