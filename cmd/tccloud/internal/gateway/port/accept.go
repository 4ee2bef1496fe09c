package port

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// noTLS is the answer to a plain HTTP client.
const noTLS = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
	"This port speaks TLS only: the broker protocol, or https:// and wss://.\n"

// accept takes connections until ctx ends.
func (p *Port) accept(ctx, live context.Context, handle Handler) error {
	pause := 5 * time.Millisecond
	for {
		nc, err := p.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // most likely there are no more descriptors
			p.cfg.Logger.Warn("connection was not accepted", "err", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		// Above the limit a connection gets retry_later; far above it, it is closed.
		n := int(p.pending.Add(1))
		if n > 2*p.cfg.MaxPending {
			p.pending.Add(-1)
			nc.Close()
			continue
		}
		p.conns.Go(func() {
			defer p.pending.Add(-1)
			p.serve(live, nc, n > p.cfg.MaxPending, handle)
		})
	}
}

// serve finds out which transport a new connection speaks, and hands it on. busy says that it is
// one too many.
func (p *Port) serve(ctx context.Context, nc net.Conn, busy bool, handle Handler) {
	_ = nc.SetDeadline(time.Now().Add(p.cfg.HandshakeTimeout)) // fails only if closed
	e := &early{Conn: nc}
	if e.wait(); e.failed != nil {
		nc.Close() // a silent connection must not use up a handshake
		return
	}
	// Handshakes cost processor time: if all were made at once, none would be in time.
	select {
	case p.handshakes <- struct{}{}:
	case <-time.After(handshakeWait):
		nc.Close() // the other side is about to give up, too
		return
	case <-ctx.Done():
		nc.Close()
		return
	}
	// One deadline for everything up to hello; it is cleared by conn later.
	_ = nc.SetDeadline(time.Now().Add(p.cfg.HandshakeTimeout))
	tc := tls.Server(e, p.tls)
	err := tc.HandshakeContext(ctx)
	<-p.handshakes
	if err != nil {
		p.cfg.Logger.Debug("handshake was not completed", "remote", nc.RemoteAddr(), "err", err)
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
		p.raw(ctx, tc, tc, e, busy, handle)
	case wire.ALPNWebSocket:
		p.web.give(tc)
	default:
		// ALPN was lost on the way. The agent speaks first, so its bytes tell.
		c := &peeked{Conn: tc}
		if _, err := io.ReadFull(tc, c.head[:]); err != nil {
			nc.Close()
			return
		}
		c.rest = c.head[:]
		if isHTTP(c.head[:]) {
			p.web.give(c)
			return
		}
		p.raw(ctx, c, tc, e, busy, handle)
	}
}

// raw hands on a connection that carries frames as they are.
func (p *Port) raw(ctx context.Context, nc net.Conn, tc *tls.Conn, e *early, busy bool, handle Handler) {
	f := &frames{Conn: nc, e: e}
	handle(ctx, &Conn{nc, conn.Raw(nc), tc, "tls", f.next, e}, busy)
}

// isHTTP recognises the first bytes of an HTTP request; none of them is the length of a frame.
func isHTTP(head []byte) bool {
	for _, m := range []string{"GET ", "HEAD", "POST", "PUT ", "OPTI", "DELE", "CONN", "PATC", "TRAC", "PRI "} {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return false
}
