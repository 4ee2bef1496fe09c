package conn

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/wire"
)

// WriteTimeout bounds the writing of one message.
const WriteTimeout = 10 * time.Second

// byeTimeout bounds the attempt to close in an orderly way.
const byeTimeout = 100 * time.Millisecond

// ErrClosedByPeer means that the peer ended the connection in an orderly way, between two messages.
// A raw connection's error wraps io.EOF as well.
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
	write(frames ...[]byte) error
	bye() // tells the peer that nothing follows
}

// Raw carries length-prefixed frames over c, usually a *tls.Conn.
func Raw(c net.Conn) *Conn { return &Conn{net: c, t: raw{c}} }

// WebSocket carries one message a binary WebSocket frame.
func WebSocket(ws *websocket.Conn) *Conn {
	ws.SetReadLimit(wire.MaxFrame)
	return &Conn{net: ws.NetConn(), t: socket{ws}}
}

// Read returns the next message. Its error says how the connection ended. No message arrived within
// idle: os.ErrDeadlineExceeded. The peer closed it in an orderly way: ErrClosedByPeer. It was cut:
// io.ErrUnexpectedEOF or the network's own error. What arrived was no message: wire.ErrInvalid,
// wire.ErrUnknownKind, wire.ErrEmptyFrame or wire.ErrFrameTooLarge. The connection cannot be used
// after an error.
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
func (c *Conn) WriteFrame(frame []byte) error { return c.WriteFrames(frame) }

// WriteFrames sends several frames at once, which a raw connection does in one write, within
// WriteTimeout.
func (c *Conn) WriteFrames(frames ...[]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.net.SetWriteDeadline(time.Now().Add(WriteTimeout)); err != nil {
		return err
	}
	return c.t.write(frames...)
}

// Expect shortens the wait of a [Conn.Read] that is in progress: it fails unless its message
// arrives within d. Later reads are not affected.
func (c *Conn) Expect(d time.Duration) { _ = c.net.SetReadDeadline(time.Now().Add(d)) }

// Close ends the connection at once; a Read or Write in progress returns. The other side gets the
// transport's own close message, if it still reads.
func (c *Conn) Close() error {
	c.t.bye()
	return c.net.Close()
}

// RemoteAddr is the address of the other side, or of the proxy.
func (c *Conn) RemoteAddr() net.Addr { return c.net.RemoteAddr() }
