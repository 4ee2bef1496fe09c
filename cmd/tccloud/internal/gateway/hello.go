package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/gateway/port"
)

// hello opens a session, or refuses it with the reason. The session gets a new goroutine, because
// the stack of this one has grown by the handshake.
func (g *Gateway) hello(live context.Context, c *port.Conn, busy bool) {
	if busy {
		c.Refuse(retryLater("too many connections at once"))
		return
	}
	ctx, cancel := context.WithTimeout(live, g.cfg.HandshakeTimeout)
	defer cancel()
	m, err := c.Messages.Read(g.cfg.HandshakeTimeout)
	if err != nil {
		g.log.Debug("hello did not come", "remote", c.Net.RemoteAddr(), "err", err)
		if protocolError(err) {
			c.Refuse(&wire.Error{Code: wire.CodeProtocol, Message: err.Error()})
			return
		}
		c.Messages.Close()
		return
	}
	h, ok := m.(*wire.Hello)
	switch {
	case !ok:
		c.Refuse(&wire.Error{Code: wire.CodeProtocol, Message: fmt.Sprintf("the first message is %q, not hello", m.Kind())})
		return
	case h.Protocol != wire.Protocol:
		c.Refuse(&wire.Error{Code: wire.CodeProtocol, Message: fmt.Sprintf("protocol %d is not spoken here, %d is", h.Protocol, wire.Protocol)})
		return
	}
	if h.Probe {
		g.probe(ctx, c, h)
		return
	}
	s, err := g.admit(ctx, c, h)
	if err != nil {
		g.log.Info("session was refused", "server", h.ServerXID, "remote", c.Net.RemoteAddr(), "err", err)
		c.Refuse(g.wireError(err))
		return
	}
	g.conns.Go(func() { s.heard(); s.run(live) })
}

// acquireAuth waits for one of the authAtOnce tokens. done returns it.
func (g *Gateway) acquireAuth(ctx context.Context) (done func(), err error) {
	select {
	case g.auth <- struct{}{}:
		return func() { <-g.auth }, nil
	case <-ctx.Done():
		return nil, &dispatch.EndError{Code: wire.CodeRetryLater, Message: "too many sessions at once", RetryAfter: 5 * time.Second}
	}
}

// probe answers a hello that asks whether a session would be opened.
func (g *Gateway) probe(ctx context.Context, c *port.Conn, h *wire.Hello) {
	srv, inUse, err := g.answerProbe(ctx, c, h)
	var kept bool
	if err == nil && h.SealKey != "" && !h.Leave {
		kept, err = g.keepSealKey(ctx, c, h, srv)
	}
	if err != nil {
		g.log.Info("probe was refused", "server", h.ServerXID, "remote", c.Net.RemoteAddr(), "err", err)
		c.Refuse(g.wireError(err))
		return
	}
	g.log.Info("probe was answered", "server", srv.XID, "environment", srv.Environment, "remote", c.Net.RemoteAddr(), "leaving", h.Leave, "in_use", inUse)
	c.Finish(&wire.Probed{Environment: srv.Environment, ServerTime: time.Now().UnixMilli(), InUse: inUse, SealKey: kept})
}

func (g *Gateway) answerProbe(ctx context.Context, c *port.Conn, h *wire.Hello) (srv Server, inUse string, err error) {
	asks := *h
	asks.Leave = false
	if srv, err = g.wouldAdmit(ctx, c, &asks); err == nil && h.Leave {
		inUse, err = g.unenroll(ctx, c, h, srv)
	}
	return srv, inUse, err
}

// wouldAdmit returns the error for which a session would be refused. No bundle or certificate comes
// into use by it.
func (g *Gateway) wouldAdmit(ctx context.Context, c *port.Conn, h *wire.Hello) (Server, error) {
	done, err := g.acquireAuth(ctx)
	if err != nil {
		return Server{}, err
	}
	defer done()
	cert, err := g.certificate(c.TLS)
	if err != nil {
		return Server{}, err
	}
	return g.cfg.Auth.Probe(ctx, h.ServerXID, h.BrokerToken, cert, h.Leave)
}

// admit authenticates the agent, attaches the session to the dispatcher and sends welcome.
func (g *Gateway) admit(ctx context.Context, c *port.Conn, h *wire.Hello) (*session, error) {
	host := g.host(c, h)
	srv, err := g.wouldAdmit(ctx, c, h)
	if err == nil {
		err = g.arbitrate(ctx, srv, host) // it may wait, so it must not keep a token
	}
	if err != nil {
		return nil, err
	}
	done, err := g.acquireAuth(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	cert, err := g.certificate(c.TLS)
	if err != nil {
		return nil, err
	}
	srv, err = g.cfg.Auth.Authenticate(ctx, h.ServerXID, h.BrokerToken, cert)
	if err != nil {
		return nil, err
	}
	s := &session{
		g: g, conn: c, server: srv, connected: time.Now(),
		name: h.ServerName, version: h.Version, os: h.OS, arch: h.Arch, host: host, executors: h.Executors,
	}
	orders, w, err := g.cfg.Dispatcher.Attach(ctx, srv.Environment, s, h)
	if err != nil {
		return nil, err
	}
	s.orders = orders
	if err := s.sealKey(ctx, h.SealKey); err != nil {
		orders.Close()
		return nil, err
	}
	s.compare(h.Clock, 0)
	w.Brokers = g.brokers()
	w.HeartbeatMS, w.ConfigRevision, w.Renews = g.cfg.Heartbeat.Milliseconds(), srv.ConfigRevision, true
	g.mu.Lock()
	if g.stopping {
		err = &dispatch.EndError{Code: wire.CodeShutdown, Message: "this gateway is shutting down", RetryAfter: time.Second}
	} else {
		g.sessions[s.server.XID] = append(g.sessions[s.server.XID], s)
	}
	g.mu.Unlock()
	if err == nil {
		err = s.Send(w)
	}
	if err != nil {
		s.leave()
		return nil, err
	}
	g.opened.Add(1)
	if g.cfg.Drained != nil && g.cfg.Drained(srv.XID) { // it is told before it gets the first order
		_ = s.Send(&wire.Control{Action: wire.ActionDrain})
	}
	orders.Open()
	s.sendConflict()
	g.log.Info("session was opened", "server", srv.XID, "environment", srv.Environment, "epoch", orders.Epoch(),
		"transport", c.Transport, "remote", c.Net.RemoteAddr(), "orders", len(h.Orders), "results", len(h.Results), "fenced", len(w.Fenced))
	return s, nil
}

// keepSealKey keeps the statement of a server that is being enrolled. Where it has a session already,
// that one has told its key, and the host that asks may never start.
func (g *Gateway) keepSealKey(ctx context.Context, c *port.Conn, h *wire.Hello, srv Server) (bool, error) {
	if g.cfg.SealKey == nil {
		return false, nil
	}
	old, err := g.holder(ctx, srv.XID, g.host(c, h))
	if err != nil || old != nil && old.Alive {
		return false, err
	}
	keys, err := g.cfg.SealKey(ctx, srv, h.SealKey)
	if err != nil {
		return false, fmt.Errorf("storing the sealing key of server %q: %w", srv.XID, err)
	}
	return len(keys) > 0, nil
}

// sealKey tells the dispatcher what the server can open.
func (s *session) sealKey(ctx context.Context, statement string) error {
	if statement == "" || s.g.cfg.SealKey == nil {
		return nil
	}
	keys, err := s.g.cfg.SealKey(ctx, s.server, statement)
	if err != nil {
		return fmt.Errorf("storing the sealing key of server %q: %w", s.server.XID, err)
	}
	s.orders.OpensWith(keys)
	return nil
}

// certificate returns the client's verified leaf.
func (g *Gateway) certificate(tc *tls.Conn) (*x509.Certificate, error) {
	chain := tc.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return nil, &Denied{Code: wire.CodeCertificate, Message: "no client certificate was presented"}
	}
	leaf := chain[0]
	if g.cfg.ClientCAs == nil {
		return leaf, nil
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: g.cfg.ClientCAs, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, &Denied{Code: wire.CodeCertificate, Message: fmt.Sprintf("the client certificate %q is not accepted: %v", leaf.Subject.CommonName, err)}
	}
	return leaf, nil
}

// wireError is the error that the agent gets. One that is not meant for it becomes retry_later.
func (g *Gateway) wireError(err error) *wire.Error {
	if d, ok := errors.AsType[*Denied](err); ok {
		return &wire.Error{Code: d.Code, Message: d.Message, RetryAfterMS: d.RetryAfter.Milliseconds()}
	}
	if e, ok := errors.AsType[*dispatch.EndError](err); ok {
		return &wire.Error{Code: e.Code, Message: e.Message, RetryAfterMS: e.RetryAfter.Milliseconds()}
	}
	if protocolError(err) {
		return &wire.Error{Code: wire.CodeProtocol, Message: err.Error()}
	}
	return g.cannotStore()
}

// retryLater asks an agent to come back after 1 to 10 seconds, at random, so that not all come at
// once.
func retryLater(why string) *wire.Error {
	return &wire.Error{Code: wire.CodeRetryLater, Message: why, RetryAfterMS: 1000 + rand.Int64N(9000)}
}

// election is how long a cluster that lost a node may take to elect who takes that one's writes.
const election = 15 * time.Second

// cannotStore is the error while the store takes no writes. Each agent comes back after another
// time, which does not grow: once the store is back, the agents must be back before their leases
// end. At first it is short, because most failures are an election.
func (g *Gateway) cannotStore() *wire.Error {
	wait := 1000 + rand.Int64N(2000)
	if g.cfg.Dispatcher.StoreFailing() > election {
		wait = 2000 + rand.Int64N(18_000)
	}
	return &wire.Error{Code: wire.CodeRetryLater, Message: "the cloud cannot store anything now", RetryAfterMS: wait, Exact: true}
}

func protocolError(err error) bool {
	for _, e := range []error{wire.ErrInvalid, wire.ErrUnknownKind, wire.ErrFrameTooLarge, wire.ErrEmptyFrame} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
