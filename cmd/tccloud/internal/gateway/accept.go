package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// noTLS is what a plain HTTP client gets.
const noTLS = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
	"This port speaks TLS only: the broker protocol, or https:// and wss://.\n"

// serve takes a fresh connection to its transport. busy says that it is
// one too many and gets retry_later.
func (g *Gateway) serve(ctx context.Context, nc net.Conn, busy bool) {
	_ = nc.SetDeadline(time.Now().Add(g.cfg.HandshakeTimeout)) // fails only if closed
	e := &early{Conn: nc}
	if _, err := nc.Read(e.first[:]); err != nil {
		nc.Close() // said nothing: takes no place from those who do
		return
	}
	// Handshakes cost the processor; all at once, none would be in time.
	select {
	case g.shake <- struct{}{}:
	case <-time.After(waitForPlace):
		nc.Close() // the other side is about to give up as well
		return
	case <-ctx.Done():
		nc.Close()
		return
	}
	// One deadline for everything up to hello; it is cleared by conn later.
	_ = nc.SetDeadline(time.Now().Add(g.cfg.HandshakeTimeout))
	tc := tls.Server(e, g.tls)
	err := tc.HandshakeContext(ctx)
	<-g.shake
	if err != nil {
		g.log.Debug("handshake was not completed", "remote", nc.RemoteAddr(), "err", err)
		if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil && isHTTP(plain.RecordHeader[:]) {
			_, _ = io.WriteString(nc, noTLS)
			linger(nc)
			return
		}
		nc.Close()
		return
	}
	switch tc.ConnectionState().NegotiatedProtocol {
	case wire.ALPN:
		g.raw(ctx, tc, tc, busy)
	case wire.ALPNWebSocket:
		g.web.give(tc)
	default:
		// ALPN was lost on the way: the agent speaks first.
		p := &peeked{Conn: tc}
		if _, err := io.ReadFull(tc, p.head[:]); err != nil {
			nc.Close()
			return
		}
		p.rest = p.head[:]
		if isHTTP(p.head[:]) {
			g.web.give(p)
			return
		}
		g.raw(ctx, p, tc, busy)
	}
}

// peer is a connection before it is a session.
type peer struct {
	nc        net.Conn
	c         *conn.Conn // for hello and for writing
	tls       *tls.Conn
	transport string
	read      func() ([]byte, error)
}

func (g *Gateway) raw(ctx context.Context, nc net.Conn, tc *tls.Conn, busy bool) {
	c := conn.Raw(nc)
	if busy {
		g.refuse(nc, c, retryLater("too many connections at once"))
		return
	}
	g.hello(ctx, &peer{nc, c, tc, "tls", func() ([]byte, error) { return wire.ReadFrame(nc) }})
}

// isHTTP recognises the first bytes of an HTTP request; none is the
// length of a frame.
func isHTTP(head []byte) bool {
	for _, m := range []string{"GET ", "HEAD", "POST", "PUT ", "OPTI", "DELE", "CONN", "PATC", "TRAC", "PRI "} {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return false
}

// refuse says why and closes.
func (g *Gateway) refuse(nc net.Conn, c *conn.Conn, e *wire.Error) {
	e.Message = wire.Clip(e.Message)
	if err := c.Write(e); err == nil {
		linger(nc)
	}
	c.Close()
}

// retryLater tells an agent to come back in a moment that differs between agents.
func retryLater(why string) *wire.Error {
	return &wire.Error{Code: wire.CodeRetryLater, Message: why, RetryAfterMS: 1000 + rand.Int64N(9000)}
}

// cannotStore is said while the store does not take what came. The agent comes again at
// a moment of its own and does not wait longer and longer: once the store is back, it
// must be back before its lease is over.
func cannotStore() *wire.Error {
	return &wire.Error{
		Code: wire.CodeRetryLater, Message: "the cloud cannot store anything now",
		RetryAfterMS: 2000 + rand.Int64N(18_000), Exact: true,
	}
}

// linger lets the peer read what was written last and closes.
func linger(nc net.Conn) {
	defer nc.Close()
	if w, ok := nc.(interface{ CloseWrite() error }); ok && w.CloseWrite() != nil {
		return
	}
	_ = nc.SetReadDeadline(time.Now().Add(lingerFor))
	_, _ = io.Copy(io.Discard, io.LimitReader(nc, 4*wire.MaxFrame))
}

// early is a connection whose first byte was read already.
type early struct {
	net.Conn
	first [1]byte
	used  bool
}

// Read implements net.Conn.
func (e *early) Read(b []byte) (int, error) {
	if !e.used && len(b) > 0 {
		e.used = true
		return copy(b, e.first[:]), nil
	}
	return e.Conn.Read(b)
}

// CloseWrite ends the sending half.
func (e *early) CloseWrite() error {
	if w, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// peeked is a connection whose first bytes were read already. Like a
// *tls.Conn it can end its sending half.
type peeked struct {
	*tls.Conn
	head [4]byte
	rest []byte
}

// Read implements net.Conn.
func (p *peeked) Read(b []byte) (int, error) {
	if len(p.rest) > 0 {
		n := copy(b, p.rest)
		p.rest = p.rest[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
