package port

import (
	"io"
	"net"

	"tcenvsvr/agent/link/wire"
)

// ErrIdle means that nothing has come yet. It is temporary, so that crypto/tls goes on after it.
var ErrIdle net.Error = idle{}

type idle struct{}

func (idle) Error() string   { return "nothing has come yet" }
func (idle) Timeout() bool   { return true }
func (idle) Temporary() bool { return true }

// early is the connection below TLS. One byte of it can be read before crypto/tls is asked: of a new
// connection, which must not use up a handshake while it is silent, and of a record.
type early struct {
	net.Conn
	first  [1]byte
	ready  bool  // first was read, and is to be returned
	failed error // what the attempt to read it has returned, same
	yields bool  // Read returns ErrIdle in place of waiting for a record

	head [recordHead]byte // of the record that is being read
	got  int              // bytes of head
	left int              // bytes of the record after its head
}

// recordHead is the length of a TLS record's head: type, version and, in two bytes, the length of the
// rest.
const recordHead = 5

// wait reads the first byte.
func (e *early) wait() {
	_, e.failed = e.Conn.Read(e.first[:])
	e.ready = e.failed == nil
}

// Read implements net.Conn.
func (e *early) Read(b []byte) (n int, err error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case e.ready:
		e.ready = false
		n = copy(b, e.first[:])
	case e.failed != nil:
		err, e.failed = e.failed, nil
		return 0, err
	case e.yields && e.got == 0:
		return 0, ErrIdle
	default:
		n, err = e.Conn.Read(b)
	}
	e.passed(b[:n])
	return n, err
}

// passed notes where records end. Whether they are such as they must be is found by crypto/tls.
func (e *early) passed(b []byte) {
	for len(b) > 0 {
		if e.got < recordHead {
			n := copy(e.head[e.got:], b)
			e.got, b = e.got+n, b[n:]
			if e.got < recordHead {
				return
			}
			e.left = int(e.head[3])<<8 | int(e.head[4])
		}
		n := min(e.left, len(b))
		if e.left, b = e.left-n, b[n:]; e.left == 0 {
			e.got = 0
		}
	}
}

// CloseWrite ends the sending half.
func (e *early) CloseWrite() error {
	if w, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// frames reads frames from a connection over e.
type frames struct {
	net.Conn
	e     *early
	first [1]byte
	ready bool
}

// next returns the next frame, or ErrIdle where not even its first byte has come.
func (f *frames) next() ([]byte, error) {
	f.e.yields = true
	_, err := io.ReadFull(f.Conn, f.first[:])
	f.e.yields = false
	if err != nil {
		return nil, err
	}
	f.ready = true
	return wire.ReadFrame(f)
}

// Read implements io.Reader.
func (f *frames) Read(b []byte) (int, error) {
	if f.ready && len(b) > 0 {
		f.ready = false
		return copy(b, f.first[:]), nil
	}
	return f.Conn.Read(b)
}
