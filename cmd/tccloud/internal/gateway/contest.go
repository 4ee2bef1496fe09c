package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// How long the session that a server has may take to answer a ping, when
// somebody else says hello as it. A restarted agent, whose old connection is dead, is
// not to wait long; of another host nothing is believed but that the session is over.
const (
	restartedTimeout = 2 * time.Second
	otherTimeout     = 5 * time.Second
)

// Whom a newcomer is told to come back after.
const (
	retryInUse = 15 * time.Second // an administrator has to act
	retryDying = 5 * time.Second  // the session ends by its heartbeats
)

// Referee remembers that several hosts run as one server.
type Referee interface {
	// Twin is what is known of the hosts with that bundle's identity, nil for nothing.
	Twin(xid wire.ServerXID, bundle string) *twin.Conflict
	// Contend records that other said hello while holder's session
	// answered. It reports whether the holder is to be told (again).
	Contend(ctx context.Context, xid wire.ServerXID, holder, other twin.Host) (bool, error)
	// Leave records that the hosts of a boot gave the identity up.
	Leave(ctx context.Context, xid wire.ServerXID, boot string) error
}

// held is the session that a server has.
type held struct {
	Host   twin.Host `json:"host"`
	Bundle string    `json:"bundle"`
	Alive  bool      `json:"alive"` // it answered
}

// arbitrate decides whether host may have the server's session: not while
// another host's is alive, however good the keys are that it shows.
func (g *Gateway) arbitrate(ctx context.Context, srv Server, host twin.Host) error {
	old, err := g.holder(ctx, srv.XID, host)
	if err != nil {
		return err
	}
	if old != nil && old.Bundle != srv.Bundle {
		return nil // the older bundle's, which an administrator replaced
	}
	known, now := g.cfg.Referee.Twin(srv.XID, srv.Bundle), time.Now()
	switch {
	case old != nil && old.Alive && !known.Bars(old.Host, now):
		if err := g.recordConflict(ctx, srv.XID, old.Host, host); err != nil {
			return err
		}
		return inUse("server %q is connected from %s, which answers: two hosts run with one identity", srv.XID, old.Host)
	case known.Bars(host, now) && known.Kept != "":
		// Perhaps it is the chosen one, at another address: then it is to be chosen there.
		if _, err := g.cfg.Referee.Contend(ctx, srv.XID, known.Holder, host); err != nil {
			return err
		}
		return inUse("an administrator chose another host to be server %q", srv.XID)
	case known.Bars(host, now):
		return inUse("server %q runs on %s, which is away for the moment, and on this host: an administrator has to choose", srv.XID, known.Holder)
	case old == nil, old.Alive, old.Host.ID == host.ID:
		return nil // nobody; who was not chosen; or this one, restarted, and its old connection is dead
	}
	return &dispatch.EndError{Code: wire.CodeRetryLater, RetryAfter: retryDying,
		Message: wire.Clip(fmt.Sprintf("the session of server %q from %s has not ended yet; it does not answer and ends soon", srv.XID, old.Host))}
}

func inUse(format string, args ...any) error {
	return &Denied{Code: wire.CodeInUse, Message: wire.Clip(fmt.Sprintf(format, args...)), RetryAfter: retryInUse}
}

// recordConflict records the conflict and tells the host that has the session.
func (g *Gateway) recordConflict(ctx context.Context, xid wire.ServerXID, holder, other twin.Host) error {
	tell, err := g.cfg.Referee.Contend(ctx, xid, holder, other)
	if err != nil {
		return err
	}
	if !tell {
		return nil
	}
	if err := g.Control(ctx, xid, twinControl(other)); err != nil && !errors.Is(err, ErrNotConnected) {
		return err
	}
	return nil
}

// twinControl is what the host with the session hears of the other.
func twinControl(other twin.Host) *wire.Control {
	return &wire.Control{Action: wire.ActionTwin, Args: map[string]string{"name": other.Name, "address": other.Address, "host": other.ID}}
}

// sendConflict tells a new session what is known of other hosts, and a host
// that was chosen to get a key of its own.
func (s *session) sendConflict() {
	c := s.g.cfg.Referee.Twin(s.server.XID, s.server.Bundle)
	if !c.Current(time.Now()) {
		return
	}
	if c.Kept != "" {
		_ = s.Send(&wire.Control{Action: wire.ActionRenew})
	}
	for _, o := range c.Others {
		if o.ID != s.host.ID {
			_ = s.Send(twinControl(o))
			return
		}
	}
}

// holder asks the session that the server has, at whichever gateway,
// whether it is alive; nil is no session.
func (g *Gateway) holder(ctx context.Context, xid wire.ServerXID, newcomer twin.Host) (*held, error) {
	if s := g.find(xid); s != nil {
		return s.checkAlive(ctx, newcomer), nil
	}
	peer, err := g.cfg.Dispatcher.Holder(ctx, xid)
	if err != nil {
		return nil, err
	}
	if peer == "" || peer == g.cfg.Dispatcher.Gateway() {
		return nil, nil
	}
	data, err := json.Marshal(question{xid, newcomer})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, otherTimeout+peerTimeout)
	defer cancel()
	m, err := g.cfg.Dispatcher.Conn().RequestWithContext(ctx, subjectAsk+peer, data)
	switch {
	case errors.Is(err, nats.ErrNoResponders): // that gateway is gone
		return nil, nil
	case err != nil:
		// It may be frozen, and its session dead or alive. When it is
		// silent for longer, Holder does not name it any more.
		return nil, fmt.Errorf("asking gateway %s for the session of server %q: %w", peer, xid, err)
	}
	var old *held
	if err := json.Unmarshal(m.Data, &old); err != nil {
		return nil, fmt.Errorf("asking gateway %s for the session of server %q: %w", peer, xid, err)
	}
	return old, nil
}

// question is what one gateway asks another.
type question struct {
	XID      wire.ServerXID `json:"xid"`
	Newcomer twin.Host      `json:"newcomer"`
}

// answerAsk answers another gateway's holder.
func (g *Gateway) answerAsk(m *nats.Msg) {
	var q question
	if json.Unmarshal(m.Data, &q) != nil {
		return
	}
	g.conns.Go(func() {
		var old *held
		if s := g.find(q.XID); s != nil {
			ctx, cancel := context.WithTimeout(context.Background(), otherTimeout)
			defer cancel()
			old = s.checkAlive(ctx, q.Newcomer)
		}
		if data, err := json.Marshal(old); err == nil {
			_ = m.Respond(data) // who asked has a limit of his own
		}
	})
}

// checkAlive pings the agent and waits for the answer; nil is that the session
// ended meanwhile.
func (s *session) checkAlive(ctx context.Context, newcomer twin.Host) *held {
	limit := otherTimeout
	if newcomer.ID == s.host.ID {
		limit = restartedTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	old := &held{Host: s.host, Bundle: s.server.Bundle}
	s.mu.Lock()
	s.pingSeq++
	a := &pongWaiter{seq: s.pingSeq, done: make(chan struct{})}
	s.pingAt = time.Now()
	s.pongWaiters = append(s.pongWaiters, a)
	s.mu.Unlock()
	if s.Send(&wire.Ping{Seq: a.seq}) != nil {
		return nil
	}
	select {
	case <-a.done:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	old.Alive = a.alive
	return old
}

// pongWaiter is who waits for a pong.
type pongWaiter struct {
	seq      int64
	alive bool // under session.mu
	done     chan struct{}
}

// wakePongWaiters tells those who wait for the pong of seq or an earlier one, or
// all of them that the session is over. s.mu is held.
func (s *session) wakePongWaiters(seq int64, over bool) {
	waiting := s.pongWaiters[:0]
	for _, a := range s.pongWaiters {
		if !over && a.seq > seq {
			waiting = append(waiting, a)
			continue
		}
		a.alive = !over
		close(a.done)
	}
	if s.pongWaiters = waiting; len(waiting) == 0 {
		s.pongWaiters = nil
	}
}

// Keep carries out an administrator's choice, at whichever gateway: the
// host that is kept gets a key of its own, any other loses its session.
func (g *Gateway) Keep(ctx context.Context, xid wire.ServerXID, host twin.Host) error {
	c := kept{xid, host}
	g.keepHere(c)
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return g.announce(ctx, subjectKeep, data)
}

type kept struct {
	XID  wire.ServerXID `json:"xid"`
	Host twin.Host      `json:"host"`
}

func (g *Gateway) keepHere(c kept) {
	s := g.find(c.XID)
	switch {
	case s == nil:
	case s.host.Same(c.Host):
		_ = s.Send(&wire.Control{Action: wire.ActionRenew})
	default:
		s.orders.Close()
		s.End(wire.CodeInUse, "an administrator chose another host to be this server", retryInUse)
	}
}

// unenroll revokes a server that is being unenrolled, unless another host is
// connected as it: then only that host gives its copy up.
func (g *Gateway) unenroll(ctx context.Context, p *peer, h *wire.Hello, srv Server) (inUse string, err error) {
	host := g.host(p, h)
	old, err := g.holder(ctx, srv.XID, host)
	if err != nil {
		return "", err
	}
	known := g.cfg.Referee.Twin(srv.XID, srv.Bundle)
	switch {
	case old != nil && old.Alive && old.Bundle == srv.Bundle: // the one that leaves has stopped
		inUse = old.Host.String()
	case known.Bars(host, time.Now()):
		inUse = known.Holder.String()
	default:
		_, err = g.wouldAdmit(ctx, p, h)
		return "", err
	}
	if err := g.cfg.Referee.Leave(ctx, srv.XID, host.Boot); err != nil {
		return "", err
	}
	if !g.cfg.Referee.Twin(srv.XID, srv.Bundle).Current(time.Now()) {
		err = g.Control(ctx, srv.XID, &wire.Control{Action: wire.ActionTwin})
	}
	if errors.Is(err, ErrNotConnected) {
		err = nil
	}
	return inUse, err
}

func (g *Gateway) host(p *peer, h *wire.Hello) twin.Host {
	return twin.Of(h, p.nc.RemoteAddr().String(), time.Now())
}
