package port

import (
	"crypto/tls"
	"io"
	"net"
	"time"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
)

// LingerTime is how long a connection is kept after its last message, so that the other end can
// read it: closing with unread data would cut it off.
const LingerTime = time.Second

// Conn is a connection that speaks the broker's protocol, before hello.
type Conn struct {
	Net       net.Conn
	Messages  *conn.Conn // for hello and for writing
	TLS       *tls.Conn
	Transport string                 // "tls" or "websocket"
	ReadFrame func() ([]byte, error) // the next frame, of a session; ErrIdle: [Conn.Wait] for it
	early     *early                 // nil: ReadFrame waits
}

// Wait waits until something came after ErrIdle, or the connection has ended: what, ReadFrame tells. It
// needs next to no stack, other than crypto/tls, which must not wait for hours in a goroutine of each
// agent.
func (c *Conn) Wait() { c.early.wait() }

// Refuse sends an error and closes.
func (c *Conn) Refuse(e *wire.Error) {
	e.Message = plain.Head(e.Message, wire.MaxText)
	c.Finish(e)
}

// Finish sends a last message and closes.
func (c *Conn) Finish(m wire.Message) {
	if err := c.Messages.Write(m); err == nil {
		linger(c.Net)
	}
	c.Messages.Close()
}

// linger closes a connection after its other end had a moment to read what was written last.
func linger(nc net.Conn) {
	defer nc.Close()
	if w, ok := nc.(interface{ CloseWrite() error }); ok && w.CloseWrite() != nil {
		return
	}
	_ = nc.SetReadDeadline(time.Now().Add(LingerTime))
	_, _ = io.Copy(io.Discard, io.LimitReader(nc, 4*wire.MaxFrame))
}

// peeked is a connection whose first bytes were read already. Like a *tls.Conn it can end its
// sending half.
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
