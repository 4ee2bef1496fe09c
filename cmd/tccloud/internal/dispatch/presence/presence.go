package presence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"golang.org/x/sync/errgroup"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

const (
	beatEvery   = 2 * time.Second
	silentAfter = 3 * beatEvery
	forgetAfter = time.Hour
	beatSubject = "tccloud.gateway.alive"
)

// Config of a Registry.
type Config struct {
	Store *store.Store
	// Fence is called when a newer session of the server was claimed, here or elsewhere, with its
	// epoch. It must not block.
	Fence func(xid wire.ServerXID, epoch int64)
}

// Registry is one gateway's view of all sessions.
type Registry struct {
	cfg    Config
	id     string
	kv     jetstream.KeyValue
	boot   time.Time
	loaded chan struct{} // closed by known, when the bucket was read once
	known  func()

	mu       sync.Mutex
	sessions map[wire.ServerXID]holder
	left     map[wire.ServerXID]time.Time // sessions of ours that ended
	refused  map[wire.ServerXID]time.Time // servers that connected and could not be accepted
	heard    map[string]time.Time         // when each gateway was heard last
}

type holder struct {
	epoch   int64
	gateway string
	learnt  time.Time // by this gateway
}

// claim is what the bucket stores; the time is for people.
type claim struct {
	Gateway string    `json:"gateway"`
	Since   time.Time `json:"since"`
}

// Open opens the bucket. The view is right only while Run runs.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	kv, err := cfg.Store.KV(ctx, bucketName, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	read := make(chan struct{})
	return &Registry{
		cfg: cfg, id: nuid.Next(), kv: kv, boot: time.Now(), loaded: read, known: sync.OnceFunc(func() { close(read) }),
		sessions: map[wire.ServerXID]holder{},
		left:     map[wire.ServerXID]time.Time{},
		refused:  map[wire.ServerXID]time.Time{},
		heard:    map[string]time.Time{},
	}, nil
}

// ID is the name of this gateway; each process has a new one.
func (r *Registry) ID() string { return r.id }

// Claim makes this gateway the holder of the server's session and returns its epoch.
func (r *Registry) Claim(ctx context.Context, xid wire.ServerXID) (int64, error) {
	data, err := json.Marshal(claim{r.id, time.Now().UTC()})
	if err != nil {
		return 0, err
	}
	rev, err := r.kv.Put(ctx, string(xid), data)
	if err != nil {
		return 0, fmt.Errorf("claiming the session of %q: %w", xid, err)
	}
	r.hold(xid, holder{int64(rev), r.id, time.Now()})
	return int64(rev), nil
}

// hold records the newest holder of a session and fences the one before.
func (r *Registry) hold(xid wire.ServerXID, h holder) {
	r.mu.Lock()
	old := r.sessions[xid]
	newer := h.epoch > old.epoch
	if newer {
		r.sessions[xid] = h
		delete(r.left, xid)
		delete(r.refused, xid)
	}
	r.mu.Unlock()
	if newer && old.gateway == r.id {
		r.cfg.Fence(xid, h.epoch)
	}
}

// Holds reports whether epoch is the newest session of the server.
func (r *Registry) Holds(xid wire.ServerXID, epoch int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sessions[xid].epoch == epoch
}

// Holder returns the gateway that has the server's session as far as is known here, "" where that
// session is over or its gateway is silent. It waits until the bucket was read once.
func (r *Registry) Holder(ctx context.Context, xid wire.ServerXID) (string, error) {
	select {
	case <-r.loaded:
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for the sessions of before: %w", context.Cause(ctx))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.sessions[xid]
	_, left := r.left[xid]
	heard, known := r.heard[h.gateway]
	if h.gateway == r.id && left || known && time.Since(heard) >= silentAfter {
		return "", nil
	}
	return h.gateway, nil
}

// Newest returns who claimed the server's newest session, its epoch, and for how long that has been known
// here; "" where nobody did. known is false until the bucket was read once.
func (r *Registry) Newest(xid wire.ServerXID) (gateway string, epoch int64, age time.Duration, known bool) {
	select {
	case <-r.loaded:
		known = true
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.sessions[xid]
	return h.gateway, h.epoch, time.Since(h.learnt), known
}

// Leave records that the session ended here. A newer one is not touched.
func (r *Registry) Leave(xid wire.ServerXID, epoch int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sessions[xid].epoch == epoch {
		r.left[xid] = time.Now()
	}
}

// Refused records that the server connected and this gateway could not accept it: the server is
// there, although it has no session.
func (r *Registry) Refused(xid wire.ServerXID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[xid] = time.Now()
}

// Away returns how long the server has been without a session although it could have had one. It
// returns false while the server has one, while another gateway has to know it, and while nobody
// can know.
func (r *Registry) Away(xid wire.ServerXID) (time.Duration, bool) {
	sighted, ok := r.Observed()
	if !ok {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.sessions[xid]
	since := r.boot
	if h.gateway == r.id {
		left, ok := r.left[xid]
		if !ok {
			return 0, false
		}
		since = left
	} else if heard, ok := r.heard[h.gateway]; ok {
		if time.Since(heard) < silentAfter {
			return 0, false
		}
		since = heard
	}
	return min(time.Since(since), time.Since(r.refused[xid]), sighted), true
}

// Observed returns for how long, without a gap, this gateway could have accepted any server, and
// false while it cannot.
func (r *Registry) Observed() (time.Duration, bool) {
	h := r.cfg.Store.Health()
	return time.Since(h.Since), h.Err == nil
}

// Refresh asks the bucket which gateway has the server's session: the watch may not have reported
// yet what another gateway wrote.
func (r *Registry) Refresh(ctx context.Context, xid wire.ServerXID) error {
	e, err := r.kv.Get(ctx, string(xid))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the session of %q: %w", xid, err)
	}
	r.record(e)
	return nil
}

// record applies an entry of the bucket.
func (r *Registry) record(e jetstream.KeyValueEntry) {
	var c claim
	if json.Unmarshal(e.Value(), &c) == nil {
		r.hold(wire.ServerXID(e.Key()), holder{int64(e.Revision()), c.Gateway, time.Now()})
	}
}

// Gateways returns how many gateways are alive, this one included.
func (r *Registry) Gateways() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 1
	for id, t := range r.heard {
		if id != r.id && time.Since(t) < silentAfter {
			n++
		}
	}
	return n
}

// hear notes that a gateway is alive and reports whether it is a new one. Gateways that are silent
// for long are forgotten: their servers count as away since this process started.
func (r *Registry) hear(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	_, known := r.heard[id]
	r.heard[id] = now
	for other, t := range r.heard {
		if now.Sub(t) > forgetAfter {
			delete(r.heard, other)
		}
	}
	return !known && id != r.id
}

// Run keeps the view up to date until ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	nc := r.cfg.Store.Conn()
	beats := make(chan *nats.Msg, 256)
	sub, err := nc.ChanSubscribe(beatSubject, beats)
	if err != nil {
		return fmt.Errorf("listening to other gateways: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return bucket.Follow(ctx, r.kv, func(e jetstream.KeyValueEntry) {
			switch {
			case e == nil: // every entry that was there has come
				r.known()
			case e.Operation() == jetstream.KeyValuePut:
				r.record(e)
			}
		})
	})
	g.Go(func() error { return r.beat(ctx, beats) })
	return g.Wait()
}

// beat publishes that this gateway is alive, and hears the others.
func (r *Registry) beat(ctx context.Context, beats <-chan *nats.Msg) error {
	nc := r.cfg.Store.Conn()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	// The next beat replaces a lost one, so errors of Publish (the store does not answer for a
	// moment) need no handling.
	_ = nc.Publish(beatSubject, []byte(r.id))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = nc.Publish(beatSubject, []byte(r.id))
		case m := <-beats:
			if r.hear(string(m.Data)) {
				_ = nc.Publish(beatSubject, []byte(r.id)) // it does not know this gateway either
			}
		}
	}
}
