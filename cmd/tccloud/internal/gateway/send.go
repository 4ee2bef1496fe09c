package gateway

import (
	"errors"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/gateway/port"
)

// maxBacklog is how many bytes may wait for a slow agent before its connection is cut.
const maxBacklog = 8 << 20

// errClosed means that the session takes no more messages.
var errClosed = errors.New("the session is over")

// writeAtOnce bounds what is written under one write deadline.
const writeAtOnce = 64 << 10

// Send implements dispatch.Session.
func (s *session) Send(m wire.Message) error {
	frame, err := wire.Encode(m)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errClosed
	case s.backlog+len(frame) > maxBacklog:
		s.closed = true
		s.conn.Net.Close() // the reader notices that and ends the session
		return errClosed
	}
	s.queue(frame)
	return nil
}

// queue adds a frame. s.mu is held.
func (s *session) queue(frame []byte) {
	s.out = append(s.out, frame)
	s.backlog += len(frame)
	s.lastSent = time.Now()
	if !s.writing {
		s.writing = true
		s.g.conns.Go(s.write)
	}
}

// write writes what is queued and ends.
func (s *session) write() {
	for {
		s.mu.Lock()
		if len(s.out) == 0 {
			s.out = nil
			if !s.closed {
				s.writing = false
				s.mu.Unlock()
				return
			}
			s.mu.Unlock() // the last message is written
			if w, ok := s.conn.Net.(interface{ CloseWrite() error }); ok {
				_ = w.CloseWrite()
			}
			s.mu.Lock()
			s.writing = false
			_ = s.conn.Net.SetReadDeadline(time.Now().Add(port.LingerTime))
			s.mu.Unlock()
			return
		}
		n, size := 0, 0
		for n < len(s.out) && (n == 0 || size+len(s.out[n]) <= writeAtOnce) {
			size += len(s.out[n])
			n++
		}
		frames := s.out[:n:n]
		s.out = s.out[n:]
		s.backlog -= size
		s.mu.Unlock()
		if err := s.conn.Messages.WriteFrames(frames...); err != nil {
			s.mu.Lock()
			s.closed, s.writing, s.out = true, false, nil
			s.mu.Unlock()
			s.conn.Net.Close()
			return
		}
	}
}

// End implements dispatch.Session.
func (s *session) End(code wire.Code, message string, retryAfter time.Duration) {
	s.finish(&wire.Error{Code: code, Message: message, RetryAfterMS: min(retryAfter.Milliseconds(), 3_600_000)})
}

// finish sends a last message instead of those that wait, and closes. Only the first call has an
// effect.
func (s *session) finish(m wire.Message) {
	if e, ok := m.(*wire.Error); ok {
		e.Message = plain.Head(e.Message, wire.MaxText)
	}
	frame, err := wire.Encode(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed, s.discard = true, true
	if err != nil {
		s.conn.Net.Close()
		return
	}
	s.out, s.backlog = nil, 0
	s.queue(frame)
}
