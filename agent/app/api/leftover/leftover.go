package leftover

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Bounds of what is read and thrown away after one answer. They are far above what an App may send
// (32 MiB), so that an App that sends too much still learns why it was refused.
const (
	MaxBytes = 256 << 20
	MaxTime  = 2 * time.Minute
	Pause    = 10 * time.Second // without a byte
)

// maxHeld is how much of an early answer is kept back to learn its length. A refusal is a sentence.
const maxHeld = 64 << 10

// Drain returns a handler that lets h answer before h has read the body, and that reads the rest
// itself.
func Drain(h http.Handler) http.Handler { return drain(h, MaxBytes) }

func drain(h http.Handler, maxBytes int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
			h.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		if control.EnableFullDuplex() != nil { // no connection of its own (HTTP/2, a test's recorder): nothing breaks there
			h.ServeHTTP(w, r)
			return
		}
		b := &body{ReadCloser: r.Body}
		a := &answer{ResponseWriter: w, control: control, body: b, head: r.Method == http.MethodHead}
		inner := *r // the server keeps its own view of the body
		inner.Body = b
		h.ServeHTTP(a, &inner)
		if a.status == 0 && !b.ended.Load() && r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client left, or stood still for too long: 200 would be a lie
		}
		a.send()
		if b.ended.Load() || !b.touched.Load() && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			return
		}
		if control.Flush() != nil || !b.drain(control, maxBytes) {
			// What is still to come must not be taken for the next request.
			panic(http.ErrAbortHandler)
		}
	})
}

// body notes how far a request's body was read. Who passes it on may read while the answer begins.
type body struct {
	io.ReadCloser
	touched, ended atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	b.touched.Store(true)
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
	}
	return n, err
}

// Close does nothing: the server calls it, and after a real Close the rest could not be read.
func (b *body) Close() error { return nil }

// drain reads to the body's end and reports whether it came there.
func (b *body) drain(control *http.ResponseController, left int) bool {
	end := time.Now().Add(MaxTime)
	buf := make([]byte, 32<<10)
	for left > 0 && !b.ended.Load() {
		pause := time.Now().Add(Pause)
		if end.Before(pause) {
			pause = end
		}
		_ = control.SetReadDeadline(pause) // where there are none, the connection's own end is the bound
		n, err := b.Read(buf)
		left -= n
		if err != nil && !errors.Is(err, io.EOF) {
			return false
		}
	}
	_ = control.SetReadDeadline(time.Time{})
	return b.ended.Load()
}

// answer holds an early answer back until its length is known. An answer of unknown length would
// end only when the handler does.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	body    *body
	head    bool
	status  int // held back, 0 = none
	held    []byte
	through bool // nothing is held back any more
}

// Unwrap lets http.ResponseController find the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	switch {
	case a.through || status < 200:
		a.ResponseWriter.WriteHeader(status)
	case a.status == 0:
		a.status = status
		if a.body.ended.Load() {
			_ = a.pass() // what fails now fails again in Write
		}
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.through && a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.through && len(a.held)+len(p) <= maxHeld {
		a.held = append(a.held, p...)
		return len(p), nil
	}
	if err := a.pass(); err != nil {
		return 0, err
	}
	return a.ResponseWriter.Write(p)
}

// FlushError sends what was written, as http.ResponseController wants it.
func (a *answer) FlushError() error {
	if a.status == 0 && !a.through {
		a.WriteHeader(http.StatusOK)
	}
	if err := a.pass(); err != nil {
		return err
	}
	return a.control.Flush()
}

// pass writes what was held back; later writes go through at once.
func (a *answer) pass() error {
	if a.through {
		return nil
	}
	a.through = true
	a.ResponseWriter.WriteHeader(a.status)
	if len(a.held) == 0 {
		return nil
	}
	_, err := a.ResponseWriter.Write(a.held)
	return err
}

// send ends the answer.
func (a *answer) send() {
	if a.through {
		return
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	bodyless := a.head || a.status == http.StatusNoContent || a.status == http.StatusNotModified
	if !bodyless && a.Header().Get("Content-Length") == "" {
		a.Header().Set("Content-Length", strconv.Itoa(len(a.held)))
	}
	_ = a.pass() // only a client that left makes it fail
}
