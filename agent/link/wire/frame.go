package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the largest payload of one frame in bytes, on both transports. Anything larger
// travels by HTTPS.
const MaxFrame = 256 << 10

// MaxLogChunk is the largest Data of one Log in bytes before encoding.
const MaxLogChunk = 32 << 10

// MaxText is the maximum length of a text for people in a message, in bytes. Senders cut longer
// ones.
const MaxText = 1024

// MaxBrokers is how many brokers of a cloud an agent knows.
const MaxBrokers = 16

// Errors of the framing.
var (
	ErrFrameTooLarge = errors.New("frame larger than 256 KiB")
	ErrEmptyFrame    = errors.New("empty frame")
)

// WriteFrame writes the length (4 bytes, big-endian) and the payload in one Write, so that a TLS
// record or a packet is not spent on the length.
func WriteFrame(w io.Writer, payload []byte) error {
	switch {
	case len(payload) == 0:
		return ErrEmptyFrame
	case len(payload) > MaxFrame:
		return fmt.Errorf("writing frame: %w: %d bytes", ErrFrameTooLarge, len(payload))
	}
	buf := make([]byte, 4+len(payload))
	binary.BigEndian.PutUint32(buf, uint32(len(payload)))
	copy(buf[4:], payload)
	_, err := w.Write(buf)
	return err
}

// ReadFrame reads one frame and returns its payload. The length is checked before anything is
// allocated for it. io.EOF means the peer ended between two frames, io.ErrUnexpectedEOF in the
// middle of one.
func ReadFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	switch {
	case n == 0:
		return nil, ErrEmptyFrame
	case n > MaxFrame:
		return nil, fmt.Errorf("reading frame: %w: %d bytes announced", ErrFrameTooLarge, n)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return payload, nil
}
