package capture

import (
	"fmt"
	"io"
	"os"
)

const (
	// Tail is the number of bytes kept from the end of an output that is larger than its bound.
	Tail = 64 << 10
	// Last is the number of bytes that Stream.Last remembers.
	Last = 2 << 10

	chunk = 32 << 10
	first = 2 << 10 // most Apps write little
)

// Stream is one output of an App. One goroutine runs Copy; the other methods are for after its
// return.
type Stream struct {
	open    func() (*os.File, error)
	file    *os.File // nil until there is output
	max     int64
	head    int64  // bytes in the file
	full    bool   // the head is complete, or cannot be written on
	ring    []byte // made when the head is full
	over    int64  // bytes that went to the ring
	last    []byte
	err     error
	written int64
}

// New makes a stream that keeps the first limit bytes in the file that open makes when there are any.
func New(open func() (*os.File, error), limit int64) *Stream {
	return &Stream{open: open, max: limit}
}

// Copy reads r until its end or an error, which it returns unless it is io.EOF.
func (s *Stream) Copy(r io.Reader) error {
	buf := make([]byte, first)
	for {
		to := buf
		if s.full {
			to = s.room()
		}
		n, err := r.Read(to)
		s.take(to[:n])
		if n == first && len(buf) == first {
			buf = make([]byte, chunk)
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return err
		}
	}
}

// room is the part of the ring for the next bytes. The reader fills it directly, so that gigabytes
// are not copied twice.
func (s *Stream) room() []byte {
	if s.ring == nil {
		s.ring = make([]byte, Tail)
	}
	return s.ring[s.over%Tail:]
}

func (s *Stream) take(p []byte) {
	if s.file == nil && len(p) > 0 && !s.full {
		if s.file, s.err = s.open(); s.err != nil {
			s.file, s.full = nil, true
		}
	}
	s.written += int64(len(p))
	s.remember(p)
	if s.full {
		s.over += int64(len(p))
		return
	}
	if len(p) == 0 {
		return
	}
	n := min(int64(len(p)), s.max-s.head)
	w, err := s.file.Write(p[:n])
	s.head += int64(w)
	if err != nil {
		s.err = err
	}
	s.full = err != nil || s.head == s.max
	for p = p[w:]; len(p) > 0; {
		c := copy(s.room(), p)
		s.over += int64(c)
		p = p[c:]
	}
}

func (s *Stream) remember(p []byte) {
	p = p[max(0, len(p)-Last):]
	if s.last == nil && len(p) > 0 {
		s.last = make([]byte, 0, 2*Last)
	}
	if len(s.last)+len(p) > cap(s.last) {
		keep := s.last[len(s.last)-Last:]
		s.last = s.last[:copy(s.last, keep)]
	}
	s.last = append(s.last, p...)
}

// Close writes the end of an output that was larger than its bound and closes the file. It returns
// the number of bytes that the App wrote, how many of them are in the file, and the first error of
// writing them.
func (s *Stream) Close() (written, kept int64, err error) {
	if s.file == nil {
		return s.written, s.head, s.err
	}
	if s.over > 0 {
		s.writeTail()
	}
	if e := s.file.Close(); s.err == nil {
		s.err = e
	}
	return s.written, s.head, s.err
}

func (s *Stream) writeTail() {
	n := min(s.over, Tail)
	if left := s.over - n; left > 0 {
		if _, err := fmt.Fprintf(s.file, "\n[tcenvsvr: %d bytes of output left out here]\n", left); err != nil {
			s.fail(err)
			return
		}
	}
	at := (s.over - n) % Tail
	for _, part := range [][]byte{s.ring[at:min(at+n, Tail)], s.ring[:max(0, at+n-Tail)]} {
		w, err := s.file.Write(part)
		s.head += int64(w)
		if err != nil {
			s.fail(err)
			return
		}
	}
}

func (s *Stream) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Last is the end of the output, at most Last bytes.
func (s *Stream) Last() []byte { return s.last[max(0, len(s.last)-Last):] }
