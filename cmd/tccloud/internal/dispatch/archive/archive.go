package archive

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/cmd/tccloud/internal/store/lease"
)

// The buckets.
const (
	segmentsBucket = "executions_ended"
	indexBucket    = "executions_index"
)

// Config of an Archive.
type Config struct {
	Store   *store.Store
	Gateway string // this process among those that share the store; "" = there is no other
	Trusted func() bool
	Logger  *slog.Logger
	// Grown is called when executions from one place to another, both included, may be here that were
	// not before. It must not block.
	Grown func(from, to record.Place)
}

// Archive is safe for concurrent use.
type Archive struct {
	cfg      Config
	segments jetstream.KeyValue
	index    jetstream.KeyValue
	lease    *lease.Lease
	ready    chan struct{}
	page     int // how many segments one page of a list may read

	mu      sync.Mutex
	entries []*entry               // by First
	days    map[string]map[int]int // created, by Environment and day since 1970
	bytes   int64
	newest  uint64          // revision of the index seen last
	broken  map[string]bool // keys of the index that cannot be read
}

// Open opens the buckets. Nothing is known before Run has loaded the index.
func Open(ctx context.Context, cfg Config) (*Archive, error) {
	a := &Archive{cfg: cfg, page: pageSegments, ready: make(chan struct{}), days: map[string]map[int]int{}, broken: map[string]bool{}}
	var err error
	if a.segments, err = cfg.Store.KV(ctx, segmentsBucket, store.KVOptions{Newest: true}); err != nil {
		return nil, err
	}
	if a.index, err = cfg.Store.KV(ctx, indexBucket, store.KVOptions{Newest: true}); err != nil {
		return nil, err
	}
	a.lease = lease.New(lease.Config{KV: a.index, Gateway: cfg.Gateway, Trusted: cfg.Trusted, What: "ended executions", Logger: cfg.Logger})
	return a, nil
}

// Ready is closed when the index is known.
func (a *Archive) Ready() <-chan struct{} { return a.ready }

// Mine reports whether this gateway is the one that may Add and Trim.
func (a *Archive) Mine() bool { return a.lease.Held() }

// Run follows the index and takes the lease where nobody has it, until ctx ends.
func (a *Archive) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return bucket.Follow(ctx, a.index, a.seen) })
	g.Go(func() error {
		select {
		case <-a.ready:
			return a.lease.Run(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return g.Wait()
}

func (a *Archive) seen(e jetstream.KeyValueEntry) {
	if e == nil {
		select {
		case <-a.ready: // a watch that began again
		default:
			close(a.ready)
		}
		return
	}
	a.apply(e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut)
}

// apply takes in what the index has at a key.
func (a *Archive) apply(key string, value []byte, revision uint64, removed bool) {
	if key == lease.Key {
		a.lease.Seen(value, revision, removed)
		a.mu.Lock()
		a.newest = max(a.newest, revision)
		a.mu.Unlock()
		return
	}
	first, err := record.ParsePlace(key)
	var e *entry
	if err == nil && !removed {
		e, err = decodeEntry(key, value)
	}
	if err != nil {
		a.cfg.Logger.Error("ended executions cannot be found", "key", key, "err", err)
	}
	a.mu.Lock()
	a.newest = max(a.newest, revision)
	if err != nil {
		a.broken[key] = true
		a.mu.Unlock()
		return
	}
	delete(a.broken, key)
	i, known := a.position(first)
	if known && a.entries[i].revision >= revision || !known && removed {
		a.mu.Unlock()
		return
	}
	if known {
		a.count(a.entries[i], -1)
	}
	switch {
	case removed:
		a.entries = slices.Delete(a.entries, i, i+1)
	case known:
		a.entries[i] = e
	default:
		a.entries = slices.Insert(a.entries, i, e)
	}
	var end record.Place
	if e != nil {
		e.revision = revision
		a.count(e, 1)
		end = a.end(i)
	}
	a.mu.Unlock()
	if e != nil && a.cfg.Grown != nil {
		from := first
		if i == 0 {
			from = record.Place{}
		}
		a.cfg.Grown(from, end)
	}
}

// position is where the segment that begins at first is or would be. Archive.mu is held.
func (a *Archive) position(first record.Place) (int, bool) {
	return slices.BinarySearchFunc(a.entries, first, func(e *entry, p record.Place) int { return e.First.Compare(p) })
}

// of is the segment in which p is or would be, -1 where there is none at all. Archive.mu is held.
func (a *Archive) of(p record.Place) int {
	i, exact := a.position(p)
	if !exact && i > 0 {
		i--
	}
	return min(i, len(a.entries)-1)
}

// Last is beyond all places.
var Last = record.Place{Created: 1 << 62}

// end is where segment i ends. Archive.mu is held.
func (a *Archive) end(i int) record.Place {
	if i+1 < len(a.entries) {
		return a.entries[i+1].First
	}
	return Last
}

// count adds a segment's figures or takes them away. Archive.mu is held.
func (a *Archive) count(e *entry, sign int) {
	a.bytes += int64(sign * e.Bytes)
	for env, hours := range e.Hours {
		if a.days[env] == nil {
			a.days[env] = map[int]int{}
		}
		for hour, h := range hours {
			d := hour / 24
			if a.days[env][d] += sign * h.Created; a.days[env][d] == 0 {
				delete(a.days[env], d)
			}
		}
		if len(a.days[env]) == 0 {
			delete(a.days, env)
		}
	}
}

// Created counts what is here of an Environment, by the day it was created.
func (a *Archive) Created(environment string, each func(day, n int)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for d, n := range a.days[environment] {
		each(d, n)
	}
}

// Hours yields what happened to what is here of an Environment, in any order; an hour may come several
// times.
func (a *Archive) Hours(environment string, yield func(hour int, h record.Hour)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.entries {
		for hour, h := range e.Hours[environment] {
			yield(hour, h)
		}
	}
}

// Has reports whether the execution is here, as far as is known to this gateway.
func (a *Archive) Has(p record.Place) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.of(p)
	return i >= 0 && a.entries[i].has(hash(p.ID))
}

// Bytes is how much the segments need, as they are stored.
func (a *Archive) Bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bytes
}
