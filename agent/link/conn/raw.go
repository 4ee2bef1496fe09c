package conn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"tcenvsvr/agent/link/wire"
)

type raw struct{ c net.Conn }

func (r raw) read() ([]byte, error) {
	frame, err := wire.ReadFrame(r.c)
	if errors.Is(err, io.EOF) { // between two frames
		err = fmt.Errorf("%w: %w", ErrClosedByPeer, io.EOF)
	}
	return frame, err
}

func (r raw) write(frames ...[]byte) error {
	if len(frames) == 1 {
		return wire.WriteFrame(r.c, frames[0])
	}
	var b bytes.Buffer
	for _, f := range frames {
		if err := wire.WriteFrame(&b, f); err != nil {
			return err
		}
	}
	_, err := r.c.Write(b.Bytes())
	return err
}

func (r raw) bye() {} // TLS has its own close message
