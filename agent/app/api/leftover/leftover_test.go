package leftover_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tcenvsvr/agent/app/api/leftover"
)

// size is more than sockets take on their way: who does not read it is noticed.
const size = 8 << 20

// bound is what is read and thrown away here.
const bound = 2 * size

// serve answers by TLS without looking at any body, in the way the path says.
func serve(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	mux.HandleFunc("/limit", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000)); err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		}
	})
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100<<10)) })
	mux.HandleFunc("/flush", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "second")
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err)
	})
	s := httptest.NewTLSServer(leftover.DrainUpTo(mux, bound))
	t.Cleanup(s.Close)
	return s
}

// session is a connection used as Python's clients do: all of a request is written before anything
// of the answer is read.
type session struct {
	net.Conn
	r *bufio.Reader
}

func open(t *testing.T, s *httptest.Server) *session {
	t.Helper()
	transport := s.Client().Transport.(*http.Transport)
	c, err := transport.DialContext(t.Context(), "tcp", "example.com:443")
	if err != nil {
		t.Fatal(err)
	}
	tc := tls.Client(c, &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, ServerName: "example.com"})
	t.Cleanup(func() { _ = tc.Close() })
	return &session{tc, bufio.NewReader(tc)}
}

func (c *session) ask(head string, body io.Reader) (*http.Response, string, error) {
	if _, err := io.WriteString(c, head+"\r\nHost: test\r\n\r\n"); err != nil {
		return nil, "", err
	}
	if _, err := io.Copy(c, body); err != nil {
		return nil, "", err
	}
	return c.answer()
}

func (c *session) answer() (*http.Response, string, error) {
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// TestOneConnectionHearsAll: every answer arrives, whatever it leaves of the body, and what is left
// is not taken for the next request.
func TestOneConnectionHearsAll(t *testing.T) {
	c := open(t, serve(t))
	for _, tt := range []struct {
		path, want string
		status     int
	}{
		{"/refuse", "no\n", 403}, {"/limit", "too large\n", 413}, {"/silent", "", 200}, {"/empty", "", 204},
		{"/long", strings.Repeat("x", 100<<10), 200}, {"/flush", "first second", 200},
		{"/count", fmt.Sprint(size, error(nil)), 200}, {"/nowhere", "404 page not found\n", 404},
	} {
		for kind, send := range map[string]struct {
			head string
			body string
		}{
			"with its length": {fmt.Sprintf("Content-Length: %d", size), strings.Repeat("x", size)},
			"in chunks":       {"Transfer-Encoding: chunked", strings.Repeat("100000\r\n"+strings.Repeat("x", 1<<20)+"\r\n", size>>20) + "0\r\n\r\n"},
		} {
			res, text, err := c.ask("PUT "+tt.path+" HTTP/1.1\r\n"+send.head, strings.NewReader(send.body))
			if err != nil {
				t.Fatalf("%s %s: %v", tt.path, kind, err)
			}
			if res.StatusCode != tt.status || text != tt.want || res.Close {
				t.Errorf("%s %s: got %d, %.40q, to be closed: %v; want %d, %.40q", tt.path, kind, res.StatusCode, text, res.Close, tt.status, tt.want)
			}
		}
	}
}

// TestTheAnswerComesFirst: whoever listens while it sends hears the whole answer before its body
// has ended.
func TestTheAnswerComesFirst(t *testing.T) {
	c := open(t, serve(t))
	res, text, err := c.ask(fmt.Sprintf("PUT /refuse HTTP/1.1\r\nContent-Length: %d", size), strings.NewReader("the beginning"))
	if err != nil || res.StatusCode != 403 || text != "no\n" {
		t.Fatalf("got %v, %q, %v", res, text, err)
	}
}

// TestWhoAsksFirst: a client that waits for "100 Continue" is refused, and not told to go on.
func TestWhoAsksFirst(t *testing.T) {
	c := open(t, serve(t))
	res, text, err := c.ask(fmt.Sprintf("PUT /refuse HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d", size), strings.NewReader(""))
	if err != nil || res.StatusCode != 403 || text != "no\n" || !res.Close {
		t.Fatalf("got %v, %q, %v", res, text, err)
	}
}

// TestNoEnd: a body beyond the bound ends the connection, and its rest is no request.
func TestNoEnd(t *testing.T) {
	c := open(t, serve(t))
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, "PUT /refuse HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
		for chunk := "100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n"; err == nil; {
			_, err = io.WriteString(c, chunk)
		}
		sent <- err
	}()
	if res, text, err := c.answer(); err != nil || res.StatusCode != 403 || text != "no\n" {
		t.Errorf("got %v, %q, %v", res, text, err)
	}
	if res, _, err := c.answer(); err == nil {
		t.Errorf("a second answer: %v", res)
	}
	if err := <-sent; errors.Is(err, net.ErrClosed) {
		t.Error("the client itself has closed")
	}
}
