package pace

import (
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// Pause is how long a transfer may stand still.
const Pause = time.Minute

// Reader is a request's body.
type Reader struct {
	r       io.Reader
	control *http.ResponseController // its errors are ignored: not every connection has deadlines

	mu      sync.Mutex
	stopped bool
}

// NewReader reads body, which belongs to the request that w answers.
func NewReader(w http.ResponseWriter, body io.Reader) *Reader {
	return &Reader{r: body, control: http.NewResponseController(w)}
}

// Read implements io.Reader. After Interrupt it fails as after a Pause.
func (b *Reader) Read(p []byte) (int, error) {
	if !b.until(time.Now().Add(Pause)) {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := b.r.Read(p)
	if err != nil {
		// The work after the last byte may take longer than a pause, and the server would treat the
		// deadline as if the client had gone away.
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

// Interrupt makes a Read under way, and all later ones, return. It may be called from anywhere.
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

// NewWriter returns a writer to w. It ends the deadline of the request's body, which is not read
// any more: if that passed, it would look as if the client had gone away.
func NewWriter(w http.ResponseWriter) *Writer {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{})
	return &Writer{w, c}
}

// piece is how many bytes must be sent within a Pause.
const piece = 32 << 10

// Write implements io.Writer. It fails if a piece of p is not sent within a Pause.
func (a *Writer) Write(p []byte) (int, error) {
	done := 0
	for {
		a.extend()
		n, err := a.ResponseWriter.Write(p[done:min(len(p), done+piece)])
		if done += n; err != nil || done >= len(p) {
			return done, err
		}
	}
}

func (a *Writer) extend() { _ = a.control.SetWriteDeadline(time.Now().Add(Pause)) }

// FlushError sends what was written; http.ResponseController calls it.
func (a *Writer) FlushError() error {
	a.extend()
	return a.control.Flush()
}

// Flush is FlushError.
func (a *Writer) Flush() error { return a.FlushError() }

// Unwrap lets http.ResponseController find the connection.
func (a *Writer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// End removes the deadline, so that the connection's next answer begins without one.
func (a *Writer) End() { _ = a.control.SetWriteDeadline(time.Time{}) }

// Answers paces all answers of h: a client that asks and does not read would otherwise keep the
// answer, and what it was made of, for ever.
func Answers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &Writer{w, http.NewResponseController(w)}
		a.End()
		defer a.extend() // the server sends the rest
		h.ServeHTTP(a, r)
	})
}
