package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"tcenvsvr/agent/job/internal/spec"
)

// ErrDamaged means that a file has more than the records that could be read.
var ErrDamaged = errors.New("the events after this are damaged")

// maxFile is the most that a spool can have written.
const maxFile = 4 * maxBytes

// Read calls give with each event of a file in turn, until give returns an error, which is then
// Read's. The payload is not kept.
func Read(r io.Reader, give func(seq int64, payload []byte) error) error {
	b := bufio.NewReader(io.LimitReader(r, maxFile))
	var payload []byte
	for last := int64(0); ; {
		var head [header]byte
		if _, err := io.ReadFull(b, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return ErrDamaged
		}
		n, seq := binary.BigEndian.Uint32(head[:]), int64(binary.BigEndian.Uint64(head[4:]))
		if n > spec.MaxServiceMessage || seq < 1 || last != 0 && seq != last+1 {
			return ErrDamaged
		}
		payload = append(payload[:0], make([]byte, n)...)
		if _, err := io.ReadFull(b, payload); err != nil {
			return ErrDamaged
		}
		if checksum(head[4:12], payload) != binary.BigEndian.Uint32(head[12:]) {
			return ErrDamaged
		}
		if _, command, err := spec.Message(payload); err != nil || command == "" {
			return ErrDamaged
		}
		if err := give(seq, payload); err != nil {
			return err
		}
		last = seq
	}
}
