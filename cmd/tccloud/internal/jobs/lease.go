package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The lease says which gateway looks after the Jobs. Its holder writes it again and again; whoever
// sees it unchanged for long enough, by a clock of its own that nobody can set, takes it. Two that
// believe to have it do no harm (see the package documentation), they only work in vain.
const (
	leaseKey   = "lease"
	leaseEvery = 3 * time.Second
	// leaseHeld is how long the holder goes by what it wrote last, and leaseStale when another one
	// takes it.
	leaseHeld  = 8 * time.Second
	leaseStale = 12 * time.Second
)

type lease struct {
	mu       sync.Mutex
	revision uint64    // seen last; 0 = there is no lease
	changed  time.Time // when
	mine     bool
	renewed  time.Time
}

func (l *lease) seen(revision uint64, removed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if removed {
		revision = 0
	}
	if revision == l.revision {
		return
	}
	l.revision, l.changed, l.mine = revision, time.Now(), false
}

// held reports whether this gateway looks after the Jobs.
func (s *Jobs) held() bool {
	if s.Gateway == "" {
		return true
	}
	s.lease.mu.Lock()
	defer s.lease.mu.Unlock()
	return s.lease.mine && time.Since(s.lease.renewed) < leaseHeld
}

// keepLease takes and renews the lease until ctx ends, and then gives it up.
func (s *Jobs) keepLease(ctx context.Context) error {
	if s.Gateway == "" {
		return nil
	}
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		s.renew(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			if s.held() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseEvery)
				defer cancel()
				_ = s.KV.Delete(ctx, leaseKey) // the next one takes it at once
			}
			return nil
		}
	}
}

func (s *Jobs) renew(ctx context.Context) {
	l := &s.lease
	l.mu.Lock()
	over, mine, stale := l.revision, l.mine, l.revision == 0 || time.Since(l.changed) > leaseStale
	l.mu.Unlock()
	if !mine && !stale {
		return
	}
	began := time.Now()
	revision, _, err := s.put(ctx, leaseKey, s.Gateway, over)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if !l.mine {
			s.Logger.Info("this gateway looks after the Jobs")
		}
		l.revision, l.changed, l.mine, l.renewed = revision, began, true, began
	case errors.Is(err, jetstream.ErrKeyExists):
		l.mine = false
	default:
		s.Logger.Debug("lease of the Jobs not renewed", "err", err)
	}
}
