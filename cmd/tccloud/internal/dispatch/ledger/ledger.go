package ledger

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/archive"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// ErrNotFound means that the store certainly has no execution with the id and that this gateway
// never saw one. It does not mean that there never was one: only a record tells that an attempt is
// over.
var ErrNotFound = errors.New("no such execution")

// ErrExists means that an execution with the id is there, or was.
var ErrExists = errors.New("an execution with this id exists")

const (
	// noteDelay is how long a note stays in memory before it is written.
	noteDelay = 500 * time.Millisecond
	// logEvery is the pause between log lines about something that fails again and again.
	logEvery = time.Minute
	// moveAfter is when an execution that has ended goes to the archive.
	moveAfter = 10 * time.Minute
	// maxConflicts bounds a CAS loop; reaching it means a bug, not load.
	maxConflicts = 50
)

// Config of a Ledger.
type Config struct {
	Store     *store.Store
	Gateway   string        // this process among those that share the store; "" = there is no other
	Retention time.Duration // of ended executions after their last change, see Trim
	MoveAfter time.Duration // [10 min] from the end of an execution to the archive
	// Trusted reports whether times that were stored may be compared with this host's clock; nil =
	// always.
	Trusted func() bool
	Logger  *slog.Logger
	// Made is called after each change that this process made, with the record before (nil: it is new)
	// and after; nil = nobody wants to know. It must not block.
	Made func(before, after *record.Record)
	// Changed is called after each change of the image, with the record before (nil: it is new
	// here) and after. It must not block.
	Changed func(before, after *record.Record)
}

// Ledger is the image of all executions in memory, and changes them. Records that it returns are
// shared and must not be written to.
type Ledger struct {
	cfg     Config
	kv      jetstream.KeyValue
	archive *archive.Archive
	ready   chan struct{}

	mu       sync.Mutex // is held before the archive's
	entries  map[wire.OrderID]*entry
	active   map[wire.OrderID]*entry // not ended
	timeline timeline                // of entries
	moved    []moved                 // to the archive, the first first
	envs     map[string]*environment
	noted    map[wire.OrderID]time.Time // with notes not yet written, since when
	watch    map[wire.OrderID][]chan struct{}
}

// entry is one execution in memory. update serialises this process's writers so that they do not
// conflict with each other; the other fields are under Ledger.mu.
type entry struct {
	update sync.Mutex
	rec    *record.Record // with the notes applied
	rev    uint64         // of what is in the bucket
	notes  []note
	since  time.Time // when we saw it reach the state, monotonic
	born   time.Time // when we saw it created, monotonic
	loaded bool      // it was created before this process started
	gone   bool      // it is in memory no more
}

type note func(*record.Record) error

// Open opens the bucket. Nothing is known before Run has loaded it.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	kv, err := cfg.Store.KV(ctx, bucketName, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	if cfg.Made == nil {
		cfg.Made = func(_, _ *record.Record) {}
	}
	cfg.MoveAfter = cmp.Or(cfg.MoveAfter, moveAfter)
	l := &Ledger{
		cfg: cfg, kv: kv, ready: make(chan struct{}),
		entries: map[wire.OrderID]*entry{},
		active:  map[wire.OrderID]*entry{},
		envs:    map[string]*environment{},
		noted:   map[wire.OrderID]time.Time{},
		watch:   map[wire.OrderID][]chan struct{}{},
	}
	l.archive, err = archive.Open(ctx, archive.Config{
		Store: cfg.Store, Gateway: cfg.Gateway, Trusted: cfg.Trusted, Logger: cfg.Logger, Grown: l.grown,
	})
	return l, err
}

// Ready is closed when the image is complete for the first time.
func (l *Ledger) Ready() <-chan struct{} { return l.ready }

// Run keeps the image up to date and writes notes until ctx ends.
func (l *Ledger) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.archive.Run(ctx) })
	g.Go(func() error {
		select {
		case <-l.archive.Ready(): // what is there need not be in memory
			return l.follow(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error { return l.writeNotes(ctx) })
	g.Go(func() error { return l.move(ctx) })
	return g.Wait()
}

func (l *Ledger) follow(ctx context.Context) error {
	loading := true
	return bucket.Follow(ctx, l.kv, func(e jetstream.KeyValueEntry) {
		switch {
		case e == nil && loading: // everything that was there has been seen
			loading = false
			close(l.ready)
		case e != nil && e.Operation() == jetstream.KeyValuePut:
			l.watched(e, loading)
		}
	})
}

// watched applies what the watch reports, unless it is known already.
func (l *Ledger) watched(e jetstream.KeyValueEntry, loading bool) {
	id := wire.OrderID(e.Key())
	l.mu.Lock()
	known := l.entries[id]
	old := known != nil && known.rev >= e.Revision()
	l.mu.Unlock()
	if old {
		return
	}
	rec, err := record.Decode(e.Value())
	if err != nil {
		l.cfg.Logger.Error("execution was not readable", "order", id, "err", err)
		return
	}
	if !l.inArchive(id, rec, e.Revision()) {
		l.apply(id, rec, e.Revision(), loading)
	}
}

// inArchive reports whether a record is in the archive already, and if so notes that its key is to be
// removed.
func (l *Ledger) inArchive(id wire.OrderID, rec *record.Record, rev uint64) bool {
	if !rec.Terminal() || !l.archive.Has(rec.Place()) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries[id] != nil {
		return false
	}
	l.moved = append(l.moved, moved{rec.Place(), rev, time.Now()})
	return true
}

// apply puts a stored record into the image if it is newer, applies the notes that still hold, and
// returns the entry and the record it shows.
func (l *Ledger) apply(id wire.OrderID, rec *record.Record, rev uint64, loading bool) (*entry, *record.Record) {
	l.mu.Lock()
	e := l.entries[id]
	if e == nil {
		e = &entry{}
		l.entries[id] = e
	}
	before := e.rec
	if rev <= e.rev && before != nil {
		l.mu.Unlock()
		return e, before
	}
	e.rev = rev
	notes := e.notes
	e.notes = nil
	for _, n := range notes {
		c := rec.Clone()
		if n(c) == nil {
			rec, e.notes = c, append(e.notes, n)
		}
	}
	l.set(id, e, rec, loading)
	l.mu.Unlock()
	l.notify(id, before, rec)
	return e, rec
}

// set makes rec the record that the image has. Ledger.mu is held.
func (l *Ledger) set(id wire.OrderID, e *entry, rec *record.Record, loading bool) {
	before := e.rec
	e.rec = rec
	now := time.Now()
	if before == nil {
		e.born, e.since, e.loaded = now, now, loading
		l.timeline.add(e)
	} else if before.State != rec.State || before.Attempt != rec.Attempt {
		e.since = now
	}
	l.count(before, rec)
	if len(e.notes) == 0 {
		delete(l.noted, id)
	} else if _, ok := l.noted[id]; !ok {
		l.noted[id] = now
	}
	switch {
	case !rec.Terminal():
		l.active[id] = e
	case before == nil || !before.Terminal():
		delete(l.active, id)
	}
}

// notify informs those who watch the order.
func (l *Ledger) notify(id wire.OrderID, before, after *record.Record) {
	l.mu.Lock()
	for _, c := range l.watch[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	l.mu.Unlock()
	if l.cfg.Changed != nil {
		l.cfg.Changed(before, after)
	}
}
