package order

import (
	"context"
	"errors"
	"sync"

	"tcenvsvr/agent/link/wire"
)

// Session is one connection to the cloud, from the cloud's welcome to the loss of the connection.
type Session struct {
	Epoch    int64
	Services bool             // the cloud knows services, and takes credit for them
	Offsets  map[LogKey]int64 // where the cloud's copies of the logs end, in bytes
	lost     chan struct{}    // closed when the session is lost
}

// LogKey names one log of one order.
type LogKey struct {
	Ref    wire.Ref
	Stream wire.Stream
}

// Sessions knows the current session and lets orders wait for one. Its zero value is ready for use,
// and it is safe for concurrent use.
type Sessions struct {
	// joining orders hellos against acceptances: what came in an older session is journaled before
	// the next hello is made, or not at all.
	joining sync.RWMutex
	hellos  int // so many were made

	mu      sync.Mutex
	now     *Session
	changed chan struct{}
}

// Hello calls describe, which makes the hello of the next session, while no order is being
// accepted. From then on no order of an older session is accepted.
func (s *Sessions) Hello(describe func()) {
	s.joining.Lock()
	defer s.joining.Unlock()
	s.hellos++
	describe()
}

// hello is the number of the newest hello.
func (s *Sessions) hello() int {
	s.joining.RLock()
	defer s.joining.RUnlock()
	return s.hellos
}

// errSessionOver means that the order came in a session before this one. The hello since then did
// not name the order, so the cloud gives it again.
var errSessionOver = errors.New("the order's session is over")

// enter lets no hello be made until leave is called. It fails if one was made since the one with the given
// number.
func (s *Sessions) enter(hello int) (leave func(), err error) {
	s.joining.RLock()
	if hello != s.hellos {
		s.joining.RUnlock()
		return nil, errSessionOver
	}
	return s.joining.RUnlock, nil
}

// Open makes next the current session; the one before it is lost.
func (s *Sessions) Open(next *Session) {
	next.lost = make(chan struct{})
	s.set(next)
}

// Close says that the current session is lost and that there is none until the next Open.
func (s *Sessions) Close() { s.set(nil) }

func (s *Sessions) set(next *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		close(s.now.lost)
	}
	s.now = next
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Current is the session of this moment, nil without one.
func (s *Sessions) Current() *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// wait returns the current session, waiting for one; nil when ctx ends.
func (s *Sessions) wait(ctx context.Context) *Session {
	for {
		s.mu.Lock()
		now := s.now
		if now == nil && s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if now != nil {
			return now
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
