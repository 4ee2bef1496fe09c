package pulse

import (
	"sync"
	"time"
)

// Pulse is one loop's promise. The zero value has promised nothing. It is safe for concurrent use.
type Pulse struct {
	mu  sync.Mutex
	due time.Time // zero = nothing promised
}

// Within promises that the next call of Within or [Pulse.Rest] comes within d.
func (p *Pulse) Within(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = time.Now().Add(d)
}

// Rest withdraws the promise: the loop has ended.
func (p *Pulse) Rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = time.Time{}
}

// Late returns for how long the promise has been broken, 0 while it is kept.
func (p *Pulse) Late() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.due.IsZero() {
		return 0
	}
	return max(0, time.Since(p.due))
}
