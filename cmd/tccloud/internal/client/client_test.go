package client_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(client.TokenFile, "local-token\n")
	other := write("other", "other-token")
	two := write("two", "a\nb")
	if err := client.WriteEndpoint(dir, client.Endpoint{URL: "https://127.0.0.1:1", ServerName: "localhost"}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		source client.Source
		env    map[string]string
		want   string // URL, token, server name
		err    error
	}{
		"data folder": {client.Source{Data: dir}, nil, "https://127.0.0.1:1 local-token localhost", nil},
		"flag wins": {client.Source{Data: dir, URL: "https://x/", TokenFile: other},
			map[string]string{"TCCLOUD_URL": "https://y", "TCCLOUD_TOKEN": "env"}, "https://x other-token ", nil},
		"environment wins over data": {client.Source{Data: dir},
			map[string]string{"TCCLOUD_URL": "https://y", "TCCLOUD_TOKEN": "env"}, "https://y env ", nil},
		"token file of the environment": {client.Source{URL: "https://x"}, map[string]string{"TCCLOUD_TOKEN_FILE": other}, "https://x other-token ", nil},
		"nothing":                       {client.Source{}, nil, "", client.ErrConfig},
		"no token":                      {client.Source{URL: "https://x"}, nil, "", client.ErrConfig},
		"no https":                      {client.Source{URL: "http://x", TokenFile: other}, nil, "", client.ErrConfig},
		"password in the address":       {client.Source{URL: "https://u:p@x", TokenFile: other}, nil, "", client.ErrConfig},
		"token of two lines":            {client.Source{URL: "https://x", TokenFile: two}, nil, "", client.ErrConfig},
		"not running":                   {client.Source{Data: filepath.Join(dir, "none")}, nil, "", client.ErrNotRunning},
	} {
		tt.source.Getenv = func(name string) string { return tt.env[name] }
		c, err := client.Resolve(tt.source)
		if !errors.Is(err, tt.err) || (err == nil && c.URL+" "+c.Token+" "+c.ServerName != tt.want) {
			t.Errorf("%s: got %q %q %q, %v; want %q, %v", name, c.URL, c.Token, c.ServerName, err, tt.want, tt.err)
		}
	}
}

// fake is an admin API that plays one answer after the other.
func fake(t *testing.T, serve func(n int, w http.ResponseWriter, r *http.Request)) *client.Client {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(int(n.Add(1)), w, r)
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return client.New(client.Config{URL: s.URL, Token: "t", Roots: roots, ServerName: "example.com"})
}

// A log that breaks off is followed on without gap or repetition, and on to the next attempt.
func TestFollowGoesOn(t *testing.T) {
	shows := 0
	c := fake(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		enc := json.NewEncoder(w)
		if !strings.HasSuffix(r.URL.Path, "/logs") {
			// Asked before and after each log: attempt 1, 1, 1→2, 2, 2 ended.
			shows++
			attempt := wire.Attempt(1)
			if shows > 2 {
				attempt = 2
			}
			_ = enc.Encode(v1.Execution{ID: "x", Attempt: attempt, Ended: shows > 3})
			return
		}
		chunk := func(attempt wire.Attempt, offset int64, data string) {
			_ = enc.Encode(v1.Line{Chunk: &v1.Chunk{Attempt: attempt, Stream: wire.Stdout, Offset: offset, Data: []byte(data)}})
		}
		switch shows {
		case 1: // breaks off in the middle
			chunk(1, 0, "one ")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			chunk(1, 0, "one ")
			chunk(1, 4, "two ")
		default:
			chunk(2, 0, "three")
		}
	})
	var got strings.Builder
	err := c.Follow(t.Context(), "x", client.LogQuery{}, func(k v1.Chunk) error {
		got.Write(k.Data)
		return nil
	})
	if err != nil || got.String() != "one two three" {
		t.Errorf("got %q, %v", got.String(), err)
	}
}

// A log that breaks off says so to who follows it himself.
func TestLogBreaksOff(t *testing.T) {
	c := fake(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(v1.Line{Chunk: &v1.Chunk{Data: []byte("one ")}})
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	var last error
	for _, err := range c.Logs(t.Context(), "x", client.LogQuery{}) {
		last = err
	}
	if !errors.Is(last, client.ErrUnreachable) || !strings.HasPrefix(last.Error(), "following the execution: ") {
		t.Errorf("got %v", last)
	}
}

// A cloud that is starting is waited for, and not for ever.
func TestAwaitACloudThatOnlyStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		done, err := client.Starting(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		soon := time.Now().Add(30 * time.Second) // the files' clock is another one
		if err := os.Chtimes(filepath.Join(dir, "starting"), soon, soon); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = client.Await(t.Context(), dir)
		if !errors.Is(err, client.ErrNotRunning) || !strings.Contains(err.Error(), "is still starting") || time.Since(began) < time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	c := fake(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 { // a proxy's
			http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte("<html>"))
	})
	_, err := c.Status(t.Context())
	if e, ok := errors.AsType[*v1.Error](err); !ok || e.Status != 502 || !strings.Contains(e.Message, "not from a cloud") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Status(t.Context()); err == nil {
		t.Error("HTML was taken for a status")
	}
	for _, err := range c.Logs(t.Context(), "x", client.LogQuery{}) {
		if !errors.Is(err, client.ErrUnreachable) || !strings.HasPrefix(err.Error(), "following the execution: the cloud does not answer: ") {
			t.Errorf("HTML as a log: got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Wait(ctx, "x", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type answered struct{}

// TestConnectionsThatAreClosed: the cloud, or a proxy, may close a connection that was used before
// when the next request arrives. What only asks is asked again, and an order is given once.
func TestConnectionsThatAreClosed(t *testing.T) {
	var orders atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			orders.Add(1)
		}
		if r.Context().Value(answered{}).(*atomic.Int64).Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(`{"id":"x"}`))
	}))
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, answered{}, new(atomic.Int64))
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := client.New(client.Config{URL: s.URL, Token: "t", Roots: roots})
	for range 3 {
		if _, err := c.Execution(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Run(t.Context(), v1.NewExecution{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.AddApp(t.Context(), strings.NewReader("tcx"), nil, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := orders.Load(); n != 6 {
		t.Errorf("the cloud got %d requests that change something, want 6", n)
	}
}
