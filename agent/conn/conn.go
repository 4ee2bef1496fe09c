package conn

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/wire"
)

// WriteTimeout bounds the writing of one message.
const WriteTimeout = 10 * time.Second

// ErrClosedByPeer means that the peer ended the connection in an orderly way.
var ErrClosedByPeer = errors.New("closed by the other side")

// Conn is one connection.
type Conn struct {
	net net.Conn
	t   transport

	mu sync.Mutex // held while writing
}

// transport is what differs between the two.
type transport interface {
	read() ([]byte, error)
	write([]byte) error
}

// Raw carries length-prefixed frames over c, usually a *tls.Conn.
func Raw(c net.Conn) *Conn { return &Conn{net: c, t: raw{c}} }

// WebSocket carries one message a binary WebSocket frame.
func WebSocket(ws *websocket.Conn) *Conn {
	ws.SetReadLimit(wire.MaxFrame)
	return &Conn{net: ws.NetConn(), t: socket{ws}}
}

// Read returns the next message. It fails when nothing arrives within
// idle. Errors of decoding wrap wire.ErrInvalid, wire.ErrUnknownKind or
// wire.ErrFrameTooLarge; the connection is of no further use after any error.
func (c *Conn) Read(idle time.Duration) (wire.Message, error) {
	if err := c.net.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return nil, err
	}
	frame, err := c.t.read()
	if err != nil {
		return nil, err
	}
	return wire.Decode(frame)
}

// Write sends one message within WriteTimeout.
func (c *Conn) Write(m wire.Message) error {
	frame, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return c.WriteFrame(frame)
}

// WriteFrame sends what wire.Encode returned.
func (c *Conn) WriteFrame(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.net.SetWriteDeadline(time.Now().Add(WriteTimeout)); err != nil {
		return err
	}
	return c.t.write(frame)
}

// Close ends the connection at once; a Read or Write under way returns.
func (c *Conn) Close() error { return c.net.Close() }

// RemoteAddr is the address of the other side, or of the proxy.
func (c *Conn) RemoteAddr() net.Addr { return c.net.RemoteAddr() }

type raw struct{ c net.Conn }

func (r raw) read() ([]byte, error)    { return wire.ReadFrame(r.c) }
func (r raw) write(frame []byte) error { return wire.WriteFrame(r.c, frame) }

type socket struct{ ws *websocket.Conn }

func (s socket) read() ([]byte, error) {
	kind, frame, err := s.ws.ReadMessage()
	if _, ok := errors.AsType[*websocket.CloseError](err); ok {
		return nil, fmt.Errorf("%w: %v", ErrClosedByPeer, err)
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		return nil, fmt.Errorf("reading frame: %w", wire.ErrFrameTooLarge)
	}
	if err != nil {
		return nil, err
	}
	if kind != websocket.BinaryMessage {
		return nil, fmt.Errorf("reading frame: %w: not a binary WebSocket message", wire.ErrInvalid)
	}
	return frame, nil
}

func (s socket) write(frame []byte) error {
	return s.ws.WriteMessage(websocket.BinaryMessage, frame)
}
