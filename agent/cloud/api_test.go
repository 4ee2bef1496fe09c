package cloud

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

var ref = wire.Ref{Order: "o1", Attempt: 2}

// cloud answers as agent/link/wire's documentation says, and misbehaves on request.
type cloud struct {
	mu    sync.Mutex
	held  map[string][]byte
	trips int                                                      // requests so far
	fault func(n int, w http.ResponseWriter, r *http.Request) bool // true: has answered
	app   []byte
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trips++
	if r.Header.Get("Authorization") != "Bearer delivery" {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	if c.fault != nil && c.fault(c.trips, w, r) {
		return
	}
	const base = "/api/internal/envsvr"
	path := strings.TrimPrefix(r.URL.EscapedPath(), base)
	switch {
	case strings.HasPrefix(path, "/apps/"):
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.app))
	case path == "/orders/o1/2/params":
		fmt.Fprint(w, `{"a":"b"}`)
	case r.Method == http.MethodHead:
		w.Header().Set("Upload-Offset", strconv.Itoa(len(c.held[path])))
	case r.Method == http.MethodPut:
		q := r.URL.Query()
		if q.Get("offset") != strconv.Itoa(len(c.held[path])) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		body, _ := io.ReadAll(r.Body)
		c.held[path] = append(c.held[path], body...)
		sum := sha256.Sum256(c.held[path])
		switch {
		case strconv.Itoa(len(c.held[path])) != q.Get("size"):
			w.WriteHeader(http.StatusAccepted)
		case hex.EncodeToString(sum[:]) != q.Get("sha256"):
			c.held[path] = nil
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

func client(t *testing.T, c *cloud) *Client {
	t.Helper()
	c.held = map[string][]byte{}
	s := httptest.NewTLSServer(c)
	t.Cleanup(s.Close)
	a, err := New(Config{URL: s.URL + "/", Token: "delivery", HTTP: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDownload(t *testing.T) {
	c := &cloud{app: []byte("0123456789")}
	a := client(t, c)
	for _, offset := range []int64{0, 4} {
		body, err := a.Download(t.Context(), "sha", offset)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err != nil || string(got) != "0123456789"[offset:] {
			t.Errorf("from %d: %q, %v", offset, got, err)
		}
		_ = body.Close()
	}
	c.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "no\x1b[2J such App", http.StatusNotFound)
		return true
	}
	_, err := a.Download(t.Context(), "sha", 0)
	if s, ok := errors.AsType[*StatusError](err); !ok || s.Status != 404 || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("missing App: %v", err)
	}
}

type answered struct{}

// TestConnectionsThatAreClosed: the cloud, or a proxy, may close any connection that was used
// before when the next request arrives.
func TestConnectionsThatAreClosed(t *testing.T) {
	c := &cloud{app: []byte("0123456789"), held: map[string][]byte{}}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(answered{}).(*atomic.Int64).Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		c.ServeHTTP(w, r)
	}))
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, answered{}, new(atomic.Int64))
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	a, err := New(Config{URL: s.URL, Token: "delivery", HTTP: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		body, err := a.Download(t.Context(), "sha", 4)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != "456789" {
			t.Fatalf("got %q, %v", got, err)
		}
		_ = body.Close()
		if p, err := a.Params(t.Context(), ref); err != nil || p["a"] != "b" {
			t.Fatalf("got %v, %v", p, err)
		}
	}
	data := strings.Repeat("x", 8<<20) // more than fits into buffers: writing it fails, too
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, name := range []string{"one", "two"} {
		if _, err := a.Upload(ctx, ref, name, strings.NewReader(data), int64(len(data))); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		if got := len(c.held["/orders/o1/2/files/"+name]); got != len(data) {
			t.Errorf("the cloud holds %d bytes of %q", got, name)
		}
		c.mu.Unlock()
	}
}

func TestParams(t *testing.T) {
	c := &cloud{fault: func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 1 {
			http.Error(w, "soon", http.StatusServiceUnavailable)
		}
		return n == 1
	}}
	params, err := client(t, c).Params(t.Context(), ref)
	if err != nil || params["a"] != "b" || c.trips != 2 {
		t.Fatalf("Params = %v, %v after %d requests; want them after a retry", params, err, c.trips)
	}
}

func TestUpload(t *testing.T) {
	data := bytes.Repeat([]byte("abc"), 1000)
	const name = "sub/ä report.txt"
	path := "/orders/o1/2/files/sub%2F%C3%A4%20report.txt"
	for _, tc := range []struct {
		name  string
		held  []byte
		fault func(n int, w http.ResponseWriter, r *http.Request) bool
	}{
		{"at once", nil, nil},
		{"resumed", data[:1234], nil},
		{"foreign bytes are replaced", []byte("xyz"), nil},
		{"cut twice", nil, func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 2 || n == 4 {
				panic(http.ErrAbortHandler)
			}
			return false
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &cloud{fault: tc.fault}
			a := client(t, c)
			c.held[path] = tc.held
			sha, err := a.Upload(t.Context(), ref, name, bytes.NewReader(data), int64(len(data)))
			sum := sha256.Sum256(data)
			if err != nil || string(sha) != hex.EncodeToString(sum[:]) || !bytes.Equal(c.held[path], data) {
				t.Fatalf("Upload = %s, %v; the cloud holds %d of %d bytes", sha, err, len(c.held[path]), len(data))
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		if _, err := client(t, &cloud{}).Upload(t.Context(), ref, "e", bytes.NewReader(nil), 0); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("fenced", func(t *testing.T) {
		c := &cloud{fault: func(_ int, w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusGone); return true }}
		if _, err := client(t, c).Upload(t.Context(), ref, name, bytes.NewReader(data), 3); !errors.Is(err, ErrFenced) {
			t.Fatalf("Upload = %v; want ErrFenced", err)
		}
	})
}

func TestTokenStaysSecret(t *testing.T) {
	a := client(t, &cloud{})
	a.token = "wrong-secret"
	_, err := a.Params(t.Context(), ref)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatalf("Params = %v; want an error without the token", err)
	}
}

func TestNewRefusesURLs(t *testing.T) {
	for _, u := range []string{"", "http://c.example", "c.example:443", "https://"} {
		if _, err := New(Config{URL: u}); err == nil || !strings.Contains(err.Error(), "want https://host[:port]") {
			t.Errorf("New(%q) = %v", u, err)
		}
	}
}
