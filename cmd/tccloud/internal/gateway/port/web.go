package port

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/app/api/leftover"
	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
)

// handoff is the listener of the HTTP server: it accepts the connections that turned out to speak
// HTTP.
type handoff struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// give hands a connection to the HTTP server.
func (h *handoff) give(c net.Conn) {
	_ = c.SetDeadline(time.Time{}) // the HTTP server has its own
	select {
	case h.conns <- c:
	case <-h.done:
		c.Close()
	}
}

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error { h.once.Do(func() { close(h.done) }); return nil }

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return h.addr }

type connKey struct{}

// webServer serves the agents' WebSocket path and whatever is mounted beside it. Connections that
// it makes live until live ends.
func (p *Port) webServer(live context.Context, handle Handler) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.WebSocketPath, func(w http.ResponseWriter, r *http.Request) { p.upgrade(live, w, r, handle) })
	mux.Handle("/", p.cfg.HTTP)
	return &http.Server{
		Handler:           leftover.Drain(mux),
		ReadHeaderTimeout: p.cfg.HandshakeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(p.cfg.Logger.Handler(), slog.LevelDebug),
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
}

// upgrader keeps no write buffer for a connection that is silent.
var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferSize: 4096,
	WriteBufferPool: new(sync.Pool),
}

// upgrade makes a connection of a WebSocket request. It gets a goroutine of its own, so that the
// HTTP server's buffers and stack are freed.
func (p *Port) upgrade(live context.Context, w http.ResponseWriter, r *http.Request, handle Handler) {
	var tc *tls.Conn
	switch c := r.Context().Value(connKey{}).(type) {
	case *tls.Conn:
		tc = c
	case *peeked:
		tc = c.Conn
	}
	if tc == nil {
		http.Error(w, "the broker needs TLS", http.StatusBadRequest)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		p.cfg.Logger.Debug("websocket was not opened", "remote", r.RemoteAddr, "err", err)
		return
	}
	if p.stopping.Load() {
		ws.Close()
		return
	}
	busy := int(p.pending.Add(1)) > p.cfg.MaxPending
	p.conns.Go(func() {
		defer p.pending.Add(-1)
		c := &Conn{ws.NetConn(), conn.WebSocket(ws), tc, "websocket", func() ([]byte, error) { return readMessage(ws) }, nil}
		handle(live, c, busy)
	})
}

// readMessage reads a frame, which is a binary message.
func readMessage(ws *websocket.Conn) ([]byte, error) {
	kind, frame, err := ws.ReadMessage()
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return nil, wire.ErrFrameTooLarge
	case err != nil:
		return nil, err
	case kind != websocket.BinaryMessage:
		return nil, fmt.Errorf("%w: not a binary WebSocket message", wire.ErrInvalid)
	}
	return frame, nil
}
