package roster

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
)

const (
	// silentAfter is how long nothing was heard of a gateway that is cut off, slow or gone.
	silentAfter = 3 * beatEvery
	// goneAfter is how long a silent one counts among the gateways.
	goneAfter = 30 * time.Second
	// forgetAfter is how long a silent one is remembered.
	forgetAfter = time.Hour
	// tellWithin is how soon a gateway has told of a session after it claimed it: hello takes a while.
	tellWithin = 5 * time.Second
)

// Claims tell where the newest session of a server is; *dispatch.Dispatcher.
type Claims interface {
	// Claim returns the gateway that claimed the server's newest session, its epoch, and for how long this
	// gateway has known that. gateway is "" where there is none; known is false until all claims were read.
	Claim(xid wire.ServerXID) (gateway string, epoch int64, age time.Duration, known bool)
	// Gone reports whether the server has been without a session for longer than a lease.
	Gone(xid wire.ServerXID) bool
}

// Config of a Roster.
type Config struct {
	Gateway string     // this gateway's name
	Conn    *nats.Conn // by which gateways talk; nil: there are no others
	Claims  Claims
	Here    func(wire.ServerXID) (Session, bool) // the server's session at this gateway
	AllHere func() []Session
}

// Roster is one gateway's view of all sessions. It is safe for concurrent use.
type Roster struct {
	cfg  Config
	send func(news) // to all other gateways
	wake chan struct{}

	mu      sync.Mutex
	changed map[wire.ServerXID]struct{} // here, not told yet
	peers   map[string]*peer
}

// peer is what another gateway told.
type peer struct {
	first    time.Time // when it was heard first
	heard    time.Time // and last
	asked    time.Time // when it was asked for all
	seq      uint64    // of its last message
	complete bool      // nothing is missing
	left     bool      // it said that it stops
	sessions map[wire.ServerXID]Session
	next     map[wire.ServerXID]Session // of a list of all that is coming in; nil: none is
}

// New makes a Roster. It knows the sessions of others while Run runs.
func New(cfg Config) *Roster {
	r := &Roster{cfg: cfg, wake: make(chan struct{}, 1), changed: map[wire.ServerXID]struct{}{}, peers: map[string]*peer{}}
	r.send = r.publish
	return r
}

// Changed has the other gateways told what the server's session here is like, or that it is over.
func (r *Roster) Changed(xid wire.ServerXID) {
	if r.cfg.Conn == nil {
		return
	}
	r.mu.Lock()
	r.changed[xid] = struct{}{}
	r.mu.Unlock()
	r.signal()
}

// signal has Run tell.
func (r *Roster) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (p *peer) silent(now time.Time) bool { return now.Sub(p.heard) >= silentAfter }

// Look returns whether the server is connected, and its session if it is.
func (r *Roster) Look(xid wire.ServerXID) (Session, State) {
	gateway, epoch, age, known := r.cfg.Claims.Claim(xid)
	if here, ok := r.cfg.Here(xid); ok && here.Epoch >= epoch {
		return here, Connected
	}
	switch {
	case r.cfg.Conn == nil || gateway == r.cfg.Gateway:
		return Session{}, Away
	case !known:
		return Session{}, Unknown
	case gateway == "":
		return Session{}, Away
	}
	r.mu.Lock()
	p := r.peers[gateway]
	var left, complete, has bool
	var s Session
	if p != nil && !p.silent(time.Now()) {
		left, complete = p.left, p.complete
		s, has = p.sessions[xid]
	}
	r.mu.Unlock()
	switch {
	case has && s.Epoch >= epoch:
		return s, Connected
	case left, complete && age > tellWithin, r.cfg.Claims.Gone(xid):
		return Session{}, Away
	}
	return Session{}, Unknown
}

// All lists the connected servers of all gateways by name.
func (r *Roster) All() []Session {
	newest := map[wire.ServerXID]Session{}
	add := func(s Session) {
		if old, ok := newest[s.XID]; !ok || old.Epoch < s.Epoch {
			newest[s.XID] = s
		}
	}
	for _, s := range r.cfg.AllHere() {
		add(s)
	}
	r.mu.Lock()
	now := time.Now()
	for _, p := range r.peers {
		if !p.silent(now) {
			for _, s := range p.sessions {
				add(s)
			}
		}
	}
	r.mu.Unlock()
	return slices.SortedFunc(maps.Values(newest), func(a, b Session) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.XID, b.XID))
	})
}

// Others returns how many other gateways there are and how many sessions they have. settled is false
// while one of them is silent or not known well, or came less than a while ago: then nothing follows
// from the numbers.
func (r *Roster) Others(since time.Duration) (gateways, sessions int, settled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	settled = true
	now := time.Now()
	for _, p := range r.peers {
		if p.left || now.Sub(p.heard) > goneAfter {
			continue
		}
		gateways++
		sessions += len(p.sessions)
		settled = settled && p.complete && !p.silent(now) && now.Sub(p.first) >= since
	}
	return gateways, sessions, settled
}
