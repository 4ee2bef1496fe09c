package pace

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Pause is how long a transfer may stand still.
const Pause = time.Minute

// ErrInterrupted is what Read returns after Interrupt.
var ErrInterrupted = errors.New("the transfer was interrupted")

// Reader is a request's body.
type Reader struct {
	r       io.Reader
	control *http.ResponseController // its errors: not every connection has deadlines

	mu      sync.Mutex
	stopped bool
}

// NewReader reads body, which belongs to the request that w answers.
func NewReader(w http.ResponseWriter, body io.Reader) *Reader {
	return &Reader{r: body, control: http.NewResponseController(w)}
}

// Read implements io.Reader.
func (b *Reader) Read(p []byte) (int, error) {
	if !b.until(time.Now().Add(Pause)) {
		return 0, ErrInterrupted
	}
	n, err := b.r.Read(p)
	if err != nil {
		// What follows the last byte may take longer than a pause, and the
		// server would take the deadline for the client's leaving.
		b.until(time.Time{})
	}
	return n, err
}

func (b *Reader) until(deadline time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		_ = b.control.SetReadDeadline(deadline)
	}
	return !b.stopped
}

// Interrupt makes a Read under way, and all later ones, return. It may
// be called from anywhere.
func (b *Reader) Interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	_ = b.control.SetReadDeadline(time.Unix(1, 0))
}

// Writer is an answer.
type Writer struct {
	http.ResponseWriter
	control *http.ResponseController // same
}

// NewWriter answers through w. The request's body is of no interest any
// more: a deadline for it that passed would look like the client's leaving.
func NewWriter(w http.ResponseWriter) *Writer {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{})
	return &Writer{w, c}
}

// Write implements io.Writer.
func (a *Writer) Write(p []byte) (int, error) {
	_ = a.control.SetWriteDeadline(time.Now().Add(Pause))
	return a.ResponseWriter.Write(p)
}

// Flush sends what was written.
func (a *Writer) Flush() error { return a.control.Flush() }

// End lets the connection's next answer begin without a limit.
func (a *Writer) End() { _ = a.control.SetWriteDeadline(time.Time{}) }
