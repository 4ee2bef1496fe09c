package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/port"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// When a connection that was refused shall come back.
const (
	retryInUse  = 15 * time.Second // an administrator has to act
	retryEnding = 5 * time.Second  // the session ends by its heartbeats
)

// Referee remembers which servers run on several hosts.
type Referee interface {
	// Twin is the conflict of the hosts that have that bundle's identity, nil if there is none.
	Twin(xid wire.ServerXID, bundle string) *twin.Conflict
	// RecordConflict records that other said hello while holder's session was alive. It reports
	// whether the holder shall be told of it (again).
	RecordConflict(ctx context.Context, xid wire.ServerXID, holder, other twin.Host) (bool, error)
	// Leave records that the hosts with this boot id gave the identity up.
	Leave(ctx context.Context, xid wire.ServerXID, boot string) error
}

// arbitrate returns an error unless host may have the server's session. It may not while another
// host's session is alive, even with valid keys.
func (g *Gateway) arbitrate(ctx context.Context, srv Server, host twin.Host) error {
	old, err := g.holder(ctx, srv.XID, host)
	if err != nil {
		return err
	}
	if old != nil && old.Bundle != srv.Bundle {
		return nil // it has an older bundle, which an administrator replaced
	}
	known, now := g.cfg.Referee.Twin(srv.XID, srv.Bundle), time.Now()
	switch {
	case old != nil && old.Alive && !known.Excludes(old.Host, now):
		if err := g.recordConflict(ctx, srv.XID, old.Host, host); err != nil {
			return err
		}
		return inUse("server %q is connected from %s, which answers: two hosts run with one identity", srv.XID, old.Host)
	case known.Excludes(host, now) && known.Kept != "":
		// Perhaps this is the chosen host at another address: then it has to be chosen there.
		if _, err := g.cfg.Referee.RecordConflict(ctx, srv.XID, known.Holder, host); err != nil {
			return err
		}
		return inUse("an administrator chose another host to be server %q", srv.XID)
	case known.Excludes(host, now):
		return inUse("server %q runs on %s, which is away for the moment, and on this host: an administrator has to choose", srv.XID, known.Holder)
	case old == nil, old.Alive, old.Host.ID == host.ID:
		return nil // no session; that of a host that was not chosen; or this host's before its restart
	}
	return &dispatch.EndError{Code: wire.CodeRetryLater, RetryAfter: retryEnding,
		Message: plain.Head(fmt.Sprintf("the session of server %q from %s has not ended yet; it does not answer and ends soon", srv.XID, old.Host), wire.MaxText)}
}

func inUse(format string, args ...any) error {
	return &Denied{Code: wire.CodeInUse, Message: plain.Head(fmt.Sprintf(format, args...), wire.MaxText), RetryAfter: retryInUse}
}

// recordConflict records the conflict and informs the host that has the session.
func (g *Gateway) recordConflict(ctx context.Context, xid wire.ServerXID, holder, other twin.Host) error {
	tell, err := g.cfg.Referee.RecordConflict(ctx, xid, holder, other)
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

// twinControl informs the host that has the session of the other one.
func twinControl(other twin.Host) *wire.Control {
	return &wire.Control{Action: wire.ActionTwin, Args: map[string]string{"name": other.Name, "address": other.Address, "host": other.ID}}
}

// sendConflict informs a new session of other hosts that run as the same server, and asks a host
// that was chosen to renew its certificate.
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

// Keep carries out an administrator's choice at all gateways: the host that is kept renews its
// certificate, any other loses its session.
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

// unenroll revokes a server that is being unenrolled. If another host is connected as that server
// it does not: then only the host that asked gives its copy of the identity up.
func (g *Gateway) unenroll(ctx context.Context, c *port.Conn, h *wire.Hello, srv Server) (inUse string, err error) {
	host := g.host(c, h)
	old, err := g.holder(ctx, srv.XID, host)
	if err != nil {
		return "", err
	}
	known := g.cfg.Referee.Twin(srv.XID, srv.Bundle)
	switch {
	case old != nil && old.Alive && old.Bundle == srv.Bundle: // the host that asked has ended its own session
		inUse = old.Host.String()
	case known.Excludes(host, time.Now()):
		inUse = known.Holder.String()
	default:
		_, err = g.wouldAdmit(ctx, c, h)
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

func (g *Gateway) host(c *port.Conn, h *wire.Hello) twin.Host {
	return twin.Of(h, c.Net.RemoteAddr().String(), time.Now())
}
