package catalog

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// idle ends a transfer that stands still: a frozen connection must not
// hold its resources until TCP notices.
const idle = time.Minute

var errSuperseded = errors.New("a newer upload of the same file began")

// body is a request body whose reads end: when nothing arrives for idle,
// or when interrupt is called from elsewhere.
type body struct {
	r       *http.Request
	control *http.ResponseController // its errors: not every connection has deadlines

	mu      sync.Mutex
	stopped bool
}

func newBody(w http.ResponseWriter, r *http.Request) *body {
	return &body{r: r, control: http.NewResponseController(w)}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if !b.until(time.Now().Add(idle)) {
		return 0, errSuperseded
	}
	n, err := b.r.Body.Read(p)
	if err != nil {
		// What follows the last byte may take longer than idle, and the
		// server would take the deadline for the client's leaving.
		b.until(time.Time{})
	}
	return n, err
}

func (b *body) until(deadline time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		_ = b.control.SetReadDeadline(deadline)
	}
	return !b.stopped
}

// interrupt makes a Read under way, and all later ones, return.
func (b *body) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	_ = b.control.SetReadDeadline(time.Unix(1, 0))
}

// answer gives each write of a long answer its own time limit.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write implements io.Writer.
func (a answer) Write(p []byte) (int, error) {
	_ = a.control.SetWriteDeadline(time.Now().Add(idle))
	return a.ResponseWriter.Write(p)
}

// end lets the connection's next answer begin without a limit.
func (a answer) end() { _ = a.control.SetWriteDeadline(time.Time{}) }
