package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The lease says which gateway looks after the Jobs. Its holder writes it again and again; whoever
// sees it unchanged for long enough, by a clock of its own that nobody can set, takes it. Two that
// believe to have it do no harm (see the package documentation), they only work in vain.
//
// Nothing is due by a clock that is not to be trusted. So the lease says whether its holder trusts
// its own, and one that does takes the lease at once from one that does not.
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
	newest   uint64    // revision seen last
	revision uint64    // the same; 0 = there is no lease
	changed  time.Time // when
	blind    bool      // its holder's clock is not to be trusted
	mine     bool
	renewed  time.Time
}

// leaseValue is what is stored.
type leaseValue struct {
	Gateway string `json:"gateway"`
	Blind   bool   `json:"clock_not_trusted,omitempty"`
}

// seen takes in what the bucket has. A renewal may be seen here whose answer was lost.
func (l *lease) seen(gateway string, value []byte, revision uint64, removed bool) {
	var v leaseValue
	_ = json.Unmarshal(value, &v) // an empty one belongs to nobody
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision <= l.newest {
		return
	}
	l.newest, l.revision, l.changed, l.blind = revision, revision, time.Now(), v.Blind
	l.mine = l.mine && v.Gateway == gateway
	if removed {
		l.revision, l.mine = 0, false
	}
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
				_ = s.KV.Delete(ctx, leaseKey, jetstream.LastRevision(s.lease.over())) // the next one takes it at once
			}
			return nil
		}
	}
}

func (s *Jobs) renew(ctx context.Context) {
	l, blind := &s.lease, !s.Trusted()
	l.mu.Lock()
	over, mine := l.revision, l.mine
	free := over == 0 || time.Since(l.changed) > leaseStale || l.blind && !blind
	l.mu.Unlock()
	if !mine && !free {
		return
	}
	began := time.Now()
	revision, _, err := s.put(ctx, leaseKey, leaseValue{s.Gateway, blind}, over)
	if errors.Is(err, jetstream.ErrKeyExists) {
		s.lookAtLease(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if !l.mine {
			s.Logger.Info("this gateway looks after the Jobs")
		}
		l.newest = max(l.newest, revision)
		if l.newest > revision { // another one has taken it since
			l.mine = false
			return
		}
		l.revision, l.changed, l.blind, l.mine, l.renewed = revision, began, blind, true, began
	case errors.Is(err, jetstream.ErrKeyExists):
		l.mine = false
	default:
		s.Logger.Debug("lease of the Jobs not renewed", "err", err)
	}
}

// lookAtLease takes in what the lease is now, where a write has shown that it is not what was seen: a
// store that was restored may have begun to count anew.
func (s *Jobs) lookAtLease(ctx context.Context) {
	e, err := s.KV.Get(ctx, leaseKey)
	l := &s.lease
	l.mu.Lock()
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		l.newest, l.revision = 0, 0
	case err == nil && e.Revision() < l.newest:
		l.newest = 0
	}
	l.mu.Unlock()
	if err == nil {
		l.seen(s.Gateway, e.Value(), e.Revision(), false)
	}
}

// over is the revision that the holder writes over.
func (l *lease) over() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revision
}
