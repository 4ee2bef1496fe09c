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

	"tcenvsvr/agent/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
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
	// Fence is called when another session of the server was claimed with
	// a higher epoch, here or elsewhere. It must not block.
	Fence func(xid wire.ServerXID, epoch int64)
}

// Registry is one gateway's view of all sessions.
type Registry struct {
	cfg   Config
	id    string
	kv    jetstream.KeyValue
	boot  time.Time
	read  chan struct{} // closed by known, when the sessions of before have come
	known func()

	mu       sync.Mutex
	sessions map[wire.ServerXID]holder
	left     map[wire.ServerXID]time.Time // sessions of ours that ended
	heard    map[string]time.Time         // gateways
}

type holder struct {
	epoch   int64
	gateway string
}

// claim is the stored form; times are for people.
type claim struct {
	Gateway string    `json:"gateway"`
	Since   time.Time `json:"since"`
}

// Open opens the bucket; Run must be running for the view to be right.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	kv, err := cfg.Store.KV(ctx, "sessions", store.KVOptions{})
	if err != nil {
		return nil, err
	}
	read := make(chan struct{})
	return &Registry{
		cfg: cfg, id: nuid.Next(), kv: kv, boot: time.Now(), read: read, known: sync.OnceFunc(func() { close(read) }),
		sessions: map[wire.ServerXID]holder{},
		left:     map[wire.ServerXID]time.Time{},
		heard:    map[string]time.Time{},
	}, nil
}

// ID names this gateway; it is new in every process.
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
	r.hold(xid, holder{int64(rev), r.id})
	return int64(rev), nil
}

// hold records the newest holder and fences the one before.
func (r *Registry) hold(xid wire.ServerXID, h holder) {
	r.mu.Lock()
	old := r.sessions[xid]
	newer := h.epoch > old.epoch
	if newer {
		r.sessions[xid] = h
		delete(r.left, xid)
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

// Holder returns the gateway that has the server's session as far as is
// known here, "" where that session is over or its gateway fell silent.
func (r *Registry) Holder(ctx context.Context, xid wire.ServerXID) (string, error) {
	select {
	case <-r.read:
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

// Leave records that the session ended here. A newer one is not touched.
func (r *Registry) Leave(xid wire.ServerXID, epoch int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sessions[xid].epoch == epoch {
		r.left[xid] = time.Now()
	}
}

// Away returns how long the server has been without a session, and false
// while it has one or while that is another gateway's business.
func (r *Registry) Away(xid wire.ServerXID) (time.Duration, bool) {
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
	return time.Since(since), true
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

// hear notes that a gateway is alive and reports whether it is a new one.
// Those silent for long are forgotten: their servers count as away since boot.
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
	w, err := r.kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watching sessions: %w", err)
	}
	defer func() { _ = w.Stop() }()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	// A lost beat is made up for by the next one: errors of Publish (the
	// store is away for a moment) need no handling.
	_ = nc.Publish(beatSubject, []byte(r.id))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = nc.Publish(beatSubject, []byte(r.id))
		case m := <-beats:
			if r.hear(string(m.Data)) {
				_ = nc.Publish(beatSubject, []byte(r.id)) // it does not know us either
			}
		case e, ok := <-w.Updates():
			if !ok && ctx.Err() == nil {
				return errors.New("watching sessions: the watch ended")
			}
			if !ok {
				return nil
			}
			if e == nil { // all that was there has come, once in the life of a watch
				r.known()
				continue
			}
			if e.Operation() != jetstream.KeyValuePut {
				continue
			}
			var c claim
			if json.Unmarshal(e.Value(), &c) == nil {
				r.hold(wire.ServerXID(e.Key()), holder{int64(e.Revision()), c.Gateway})
			}
		}
	}
}
