package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tcenvsvr/agent/logging/plain"
)

// Headers that are passed on; nothing else is.
var (
	askHeaders = []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Content-Encoding", "Content-Disposition", "Db-Method",
		"If-Match", "If-None-Match", "If-Modified-Since", "Range", "User-Agent",
	}
	answerHeaders = []string{
		"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Range", "Content-Type",
		"Etag", "Last-Modified", "Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
	}
)

// maxPath is the most of a path that is noted.
const maxPath = 512

// Serve passes one request on and answers with what the instance says. Its path is relative to
// tc_api_path; run is whatever Passed is told.
func (u *Upstream) Serve(w http.ResponseWriter, r *http.Request, run string) {
	p := Passed{Time: time.Now().UTC(), Method: r.Method, Path: plain.Line(plain.Head(r.URL.EscapedPath(), maxPath))}
	if why := refusal(r.URL.EscapedPath()); why != "" {
		fail(w, http.StatusForbidden, "this is not passed on to the platform: "+why)
		return
	}
	aborted := u.pass(w, r, &p)
	p.Millis = time.Since(p.Time).Milliseconds()
	u.Passed(context.WithoutCancel(r.Context()), run, p)
	if aborted {
		panic(http.ErrAbortHandler) // what was sent must not look complete
	}
}

// pass does it, and reports whether the answer was cut off.
func (u *Upstream) pass(w http.ResponseWriter, r *http.Request, p *Passed) (aborted bool) {
	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	out, err := u.Request(r.Context(), r.Method, path)
	if err != nil {
		fail(w, http.StatusBadRequest, "the path cannot be passed on")
		return false
	}
	out.Header.Set("User-Agent", "") // net/http would name itself
	copyHeaders(out.Header, r.Header, askHeaders)
	body := &body{r: r.Body}
	if r.ContentLength != 0 && r.Body != nil {
		out.Body, out.ContentLength = body, r.ContentLength
	}
	res, err := u.Do(out)
	if err == nil {
		defer res.Body.Close()
		p.Status = res.StatusCode
	}
	// Requests share nothing with their handler once it has returned, but the transport may go on
	// reading the body while it has an answer already.
	defer func() { p.Sent = body.end() }()
	if err != nil {
		return u.unreached(w, r, p, err)
	}
	if refusedAnswer(w, res, p) {
		return false
	}
	copyHeaders(w.Header(), res.Header, answerHeaders)
	if res.ContentLength > 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	}
	w.WriteHeader(res.StatusCode)
	if p.Received, err = stream(w, res.Body); err != nil {
		p.Error = "the answer was cut off"
		return true
	}
	return false
}

// unreached answers that the instance did not. With 502, Apps try again.
func (u *Upstream) unreached(w http.ResponseWriter, r *http.Request, p *Passed, err error) (aborted bool) {
	if r.Context().Err() != nil {
		p.Error = "the App left"
		return true
	}
	p.Error = "the platform does not answer"
	if read, ok := errors.AsType[*bodyError](err); ok {
		p.Error = "the App's body broke off"
		u.Logger.Debug("request not passed on", "path", p.Path, "err", read.err)
		fail(w, http.StatusBadRequest, "the body broke off")
		return false
	}
	u.Logger.Warn("request not passed on to the platform", "host", u.Host(), "path", p.Path, "err", err)
	fail(w, http.StatusBadGateway, "the platform does not answer")
	return false
}

// refusedAnswer answers in place of answers that the App must not or cannot use.
func refusedAnswer(w http.ResponseWriter, res *http.Response, p *Passed) bool {
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		p.Error = "the platform does not take the credentials"
		fail(w, http.StatusForbidden, p.Error+" that this cloud or host has for it: they are wrong, or its clock is")
	case res.StatusCode/100 == 3 && res.StatusCode != http.StatusNotModified:
		p.Error = "a redirect was not followed"
		fail(w, http.StatusBadGateway, "the platform leads to another address, which is not followed")
	case res.StatusCode == http.StatusSwitchingProtocols || res.StatusCode < 200:
		p.Error = "another protocol was not taken"
		fail(w, http.StatusBadGateway, "the platform wants to speak another protocol")
	default:
		return false
	}
	return true
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "Failure", "message": message}) // only an App that left makes it fail
}

func copyHeaders(to, from http.Header, names []string) {
	for _, name := range names {
		if v, ok := from[name]; ok {
			to[name] = v
		}
	}
}

// stream copies and sends each piece at once.
func stream(w http.ResponseWriter, r io.Reader) (n int64, err error) {
	control, buf := http.NewResponseController(w), make([]byte, 32<<10)
	for {
		m, err := r.Read(buf)
		if m > 0 {
			written, err := w.Write(buf[:m])
			n += int64(written)
			if err == nil {
				err = control.Flush()
			}
			if err != nil && !errors.Is(err, http.ErrNotSupported) {
				return n, err
			}
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// body is the App's, on its way to the instance. It counts, and ends before its handler does.
type body struct {
	r  io.Reader
	mu sync.Mutex // while r is read

	over bool
	n    int64
}

// bodyError means that the App's body, and not the connection to the instance, broke off.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "reading the App's body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, io.ErrClosedPipe
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bodyError{err}
	}
	return n, err
}

// Close implements io.Closer. What is left of the body is the server's to read.
func (b *body) Close() error { return nil }

// end waits for a Read under way and forbids others. It returns how many bytes were read.
func (b *body) end() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	return b.n
}
