package lease

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Key is where the lease is in its bucket.
const Key = "lease"

const (
	every = 3 * time.Second
	// held is how long the holder goes by what it wrote last, and stale when another one takes it.
	held  = 8 * time.Second
	stale = 12 * time.Second
)

// Config of a Lease.
type Config struct {
	KV jetstream.KeyValue
	// Gateway is this process among those that share the bucket; "" = there is no other.
	Gateway string
	// Trusted reports whether this host's clock tells what is due; nil = always. A gateway for which it
	// does takes the lease at once from one for which it does not.
	Trusted func() bool
	What    string       // is looked after, as "Jobs", for the log
	Logger  *slog.Logger // nil discards
}

// Lease is safe for concurrent use.
type Lease struct {
	Config

	mu       sync.Mutex
	newest   uint64    // revision seen last
	revision uint64    // the same; 0 = there is no lease
	changed  time.Time // when
	blind    bool      // its holder's clock is not to be trusted
	mine     bool
	renewed  time.Time
}

// value is what is stored.
type value struct {
	Gateway string `json:"gateway"`
	Blind   bool   `json:"clock_not_trusted,omitempty"`
}

// New returns a lease that nobody holds; Run takes it.
func New(cfg Config) *Lease {
	if cfg.Trusted == nil {
		cfg.Trusted = func() bool { return true }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Lease{Config: cfg}
}

// Seen takes in what the bucket has at [Key]. A renewal may be seen here whose answer was lost.
func (l *Lease) Seen(stored []byte, revision uint64, removed bool) {
	var v value
	_ = json.Unmarshal(stored, &v) // an empty one belongs to nobody
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision <= l.newest {
		return
	}
	l.newest, l.revision, l.changed, l.blind = revision, revision, time.Now(), v.Blind
	l.mine = l.mine && v.Gateway == l.Gateway
	if removed {
		l.revision, l.mine = 0, false
	}
}

// Held reports whether this gateway holds the lease.
func (l *Lease) Held() bool {
	if l.Gateway == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mine && time.Since(l.renewed) < held
}

// Run takes and renews the lease until ctx ends, and then gives it up.
func (l *Lease) Run(ctx context.Context) error {
	if l.Gateway == "" {
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l.renew(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			if l.Held() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), every)
				defer cancel()
				_ = l.KV.Delete(ctx, Key, jetstream.LastRevision(l.over())) // the next one takes it at once
			}
			return nil
		}
	}
}

func (l *Lease) renew(ctx context.Context) {
	blind := !l.Trusted()
	l.mu.Lock()
	over, mine := l.revision, l.mine
	free := over == 0 || time.Since(l.changed) > stale || l.blind && !blind
	l.mu.Unlock()
	if !mine && !free {
		return
	}
	began := time.Now()
	revision, _, err := bucket.Write(ctx, l.KV, Key, value{l.Gateway, blind}, over)
	if bucket.Overtaken(err) {
		l.look(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if !l.mine {
			l.Logger.Info("this gateway holds the lease", "of", l.What)
		}
		l.newest = max(l.newest, revision)
		if l.newest > revision { // another one has taken it since
			l.mine = false
			return
		}
		l.revision, l.changed, l.blind, l.mine, l.renewed = revision, began, blind, true, began
	case bucket.Overtaken(err):
		l.mine = false
	default:
		l.Logger.Debug("lease not renewed", "of", l.What, "err", err)
	}
}

// look takes in what the lease is now, where a write has shown that it is not what was seen: a store
// that was restored may have begun to count anew.
func (l *Lease) look(ctx context.Context) {
	e, err := l.KV.Get(ctx, Key)
	l.mu.Lock()
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		l.newest, l.revision = 0, 0
	case err == nil && e.Revision() < l.newest:
		l.newest = 0
	}
	l.mu.Unlock()
	if err == nil {
		l.Seen(e.Value(), e.Revision(), false)
	}
}

// over is the revision that the holder writes over.
func (l *Lease) over() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revision
}
