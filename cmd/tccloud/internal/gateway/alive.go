package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// How long a server's session may take to answer a ping when another connection says hello as that
// server. An agent that was restarted, whose old connection is dead, must not wait long; another
// host has to wait until the session certainly is over.
const (
	restartedTimeout = 2 * time.Second
	otherTimeout     = 5 * time.Second
)

// heldSession is the session that a server has already.
type heldSession struct {
	Host   twin.Host `json:"host"`
	Bundle string    `json:"bundle"`
	Alive  bool      `json:"alive"` // it answered
}

// holder asks the server's session, at whichever gateway it is, whether it is alive. It returns nil
// if there is no session.
func (g *Gateway) holder(ctx context.Context, xid wire.ServerXID, newcomer twin.Host) (*heldSession, error) {
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
		// That gateway may be frozen, and its session dead or alive. If it stays silent, Holder
		// does not name it any more.
		return nil, fmt.Errorf("asking gateway %s for the session of server %q: %w", peer, xid, err)
	}
	var old *heldSession
	if err := json.Unmarshal(m.Data, &old); err != nil {
		return nil, fmt.Errorf("asking gateway %s for the session of server %q: %w", peer, xid, err)
	}
	return old, nil
}

// question is what one gateway sends to another.
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
		var old *heldSession
		if s := g.find(q.XID); s != nil {
			ctx, cancel := context.WithTimeout(context.Background(), otherTimeout)
			defer cancel()
			old = s.checkAlive(ctx, q.Newcomer)
		}
		if data, err := json.Marshal(old); err == nil {
			_ = m.Respond(data) // the gateway that asked has a timeout of its own
		}
	})
}

// checkAlive pings the agent and waits for the answer. It returns nil if the session ended
// meanwhile.
func (s *session) checkAlive(ctx context.Context, newcomer twin.Host) *heldSession {
	limit := otherTimeout
	if newcomer.ID == s.host.ID {
		limit = restartedTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	old := &heldSession{Host: s.host, Bundle: s.server.Bundle}
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

// pongWaiter is a goroutine that waits for a pong.
type pongWaiter struct {
	seq   int64
	alive bool // under session.mu
	done  chan struct{}
}

// wakePongWaiters wakes those that wait for the pong with number seq or an earlier one, or all of
// them because the session is over. s.mu is held.
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
