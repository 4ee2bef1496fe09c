package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"tcenvsvr/agent/link/wire"
)

type socket struct{ ws *websocket.Conn }

func (s socket) read() ([]byte, error) {
	kind, frame, err := s.ws.ReadMessage()
	if err != nil {
		return nil, socketError(err)
	}
	if kind != websocket.BinaryMessage {
		return nil, fmt.Errorf("reading frame: %w: not a binary WebSocket message", wire.ErrInvalid)
	}
	return frame, nil
}

// socketError gives gorilla's errors the names that a raw connection's have.
func socketError(err error) error {
	if e, ok := errors.AsType[*websocket.CloseError](err); ok {
		switch e.Code {
		case websocket.CloseAbnormalClosure: // gorilla's name for: no close frame came
			return io.ErrUnexpectedEOF
		case websocket.CloseMessageTooBig:
			return fmt.Errorf("%w: %w", ErrClosedByPeer, wire.ErrFrameTooLarge)
		}
		return fmt.Errorf("%w: %v", ErrClosedByPeer, err)
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() { // gorilla drops the cause
		return fmt.Errorf("%w: %v", os.ErrDeadlineExceeded, err)
	}
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return fmt.Errorf("reading frame: %w", wire.ErrFrameTooLarge)
	case strings.HasPrefix(err.Error(), "websocket: "): // its protocol errors have no type
		return fmt.Errorf("reading frame: %w: %v", wire.ErrInvalid, err)
	}
	return err
}

func (s socket) write(frames ...[]byte) error {
	for _, f := range frames {
		if err := validSize(f); err != nil {
			return err
		}
		if err := s.ws.WriteMessage(websocket.BinaryMessage, f); err != nil {
			return err
		}
	}
	return nil
}

// validSize is what wire.WriteFrame checks for a raw connection.
func validSize(frame []byte) error {
	switch {
	case len(frame) == 0:
		return wire.ErrEmptyFrame
	case len(frame) > wire.MaxFrame:
		return fmt.Errorf("writing frame: %w: %d bytes", wire.ErrFrameTooLarge, len(frame))
	}
	return nil
}

func (s socket) bye() {
	end := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.ws.WriteControl(websocket.CloseMessage, end, time.Now().Add(byeTimeout))
}
