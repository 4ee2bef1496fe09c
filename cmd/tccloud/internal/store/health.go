package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

const (
	// healthBucket is what probes write to.
	healthBucket = "health"
	// probeEvery is how often a write shows that the store takes writes.
	probeEvery = time.Second
	// probeTime is how long such a write may take.
	probeTime = 3 * time.Second
	// probeGap is how long after the last one nothing is known any more: the
	// store does not answer, or this process stood still itself.
	probeGap = 5 * time.Second
)

// Health is a fact, not an opinion: whether a write was durable a moment ago.
type Health struct {
	Err   error     // nil: it was
	Since time.Time // since when it is as it is, monotonic
}

// errUnproven is before the first write.
var errUnproven = errors.New("nothing was written yet")

// Health says whether the store takes writes, and since when without a gap, as far as
// Run could see. Whoever judges others by time counts none before Since.
func (s *Store) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	if late := time.Since(s.proved); s.health.Err == nil && late > probeGap {
		return Health{fmt.Errorf("no write was durable for %s", late.Round(time.Second)), s.proved}
	}
	return s.health
}

// Run keeps the store until ctx ends: it writes a few bytes each second, so that Health
// knows, opens an embedded server anew whose files failed, keeps its inventory and syncs Relaxed streams. It returns
// an error when a store that was opened anew has lost something.
func (s *Store) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watch(ctx) })
	g.Go(func() error { return s.keep(ctx) })
	if s.Embedded() {
		g.Go(func() error { return s.flush(ctx) })
	}
	return g.Wait()
}

func (s *Store) watch(ctx context.Context) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var kv jetstream.KeyValue
	fresh := true // of the server: it has all that was made
	for {
		if err := s.broken(); err != nil {
			s.note(time.Now(), err)
			if err := s.reopen(ctx); err != nil {
				return err
			}
			kv, fresh = nil, false
		}
		began := time.Now()
		var err error
		if !fresh {
			if err = s.check(ctx, false); err == nil {
				err = s.remake(ctx)
			}
			if trouble, ok := errors.AsType[*TroubleError](err); ok {
				return fmt.Errorf("opening store again: %w", trouble)
			}
			fresh = err == nil
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
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if kv == nil {
		var err error
		if kv, err = s.KV(ctx, healthBucket, KVOptions{TTL: time.Hour}); err != nil {
			return nil, err
		}
	}
	_, err := kv.Put(ctx, s.id, nil)
	return kv, err
}

// note takes what a probe found that was begun at that time.
func (s *Store) note(began time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.health
	now := time.Now()
	switch {
	case err == nil:
		if was.Err != nil || now.Sub(s.proved) > probeGap {
			s.health = Health{nil, now}
		}
		s.proved = began
	case was.Err == nil && now.Sub(s.proved) <= probeGap && !errors.Is(err, errBroken) && !errors.Is(err, ErrFull):
		return // one late answer is not an outage yet
	case was.Err == nil:
		s.health = Health{err, now}
	default:
		s.health.Err = err
	}
	switch unproven := errors.Is(was.Err, errUnproven); {
	case (was.Err == nil || unproven) && s.health.Err != nil:
		s.log.Error("store takes no writes: nothing is given out, and nobody's lease runs, until it does", "err", err)
	case was.Err != nil && !unproven && s.health.Err == nil:
		s.log.Info("store takes writes again", "after", now.Sub(was.Since).Round(time.Millisecond))
	}
}

// errBroken means that an embedded server will not write again: the first
// failure is final for its files.
var errBroken = errors.New("the store's files failed")

// fail takes what the embedded server said of its files.
func (s *Store) fail(said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = fmt.Errorf("%w: %s", errBroken, said)
	}
}

// broken says why an embedded server must be opened anew, or nil.
func (s *Store) broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.embedded == nil {
		return nil
	}
	if s.failure == nil && !s.embedded.JetStreamEnabled() {
		s.failure = fmt.Errorf("%w: JetStream has switched itself off", errBroken) // it does where there is no space
	}
	return s.failure
}
