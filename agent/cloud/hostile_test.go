package cloud

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestRedirects: a token is shown to the API alone, and what is uploaded goes nowhere else.
func TestRedirects(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			seen = append(seen, name+": "+r.Method+" "+r.Header.Get("Authorization")+" "+string(b))
			mu.Unlock()
			w.Header().Set("Upload-Offset", "0")
			if r.Method == http.MethodPut {
				w.WriteHeader(http.StatusNoContent)
			}
		}
	}
	plain := httptest.NewServer(note("plain"))
	t.Cleanup(plain.Close)
	other := httptest.NewTLSServer(note("another port"))
	t.Cleanup(other.Close)
	for _, to := range []*httptest.Server{plain, other} {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}))
		t.Cleanup(s.Close)
		c := s.Client()
		a, err := New(Config{URL: s.URL, Token: "delivery-secret", HTTP: c})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := a.Download(t.Context(), "sha", 0); err == nil {
			_ = body.Close()
		}
		_, err = a.Upload(t.Context(), ref, "n", strings.NewReader("published"), 9)
		want := fmt.Sprintf("the API leads elsewhere: what is sent to it is not for %q", other.Listener.Addr())
		if to == plain {
			want = fmt.Sprintf("the API leads elsewhere: %q is not https", plain.URL)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if res, err := a.HTTP().Get(s.URL + "/api/internal/envsvr/updates/x"); err == nil {
			_ = res.Body.Close()
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, got := range seen {
		if got != "another port: GET  " { // an App or a release may come from elsewhere
			t.Error(got)
		}
	}
}

// TestAnswersThatAreNone: what else may answer in the API's place, or the API to something else. None of it
// is repeated in an error.
func TestAnswersThatAreNone(t *testing.T) {
	const page = "<html>log in, s3cret</html>"
	sig := func(ctx context.Context, c *Client) error { _, err := c.Signature(ctx, "sha"); return err }
	upload := func(ctx context.Context, c *Client) error {
		_, err := c.Upload(ctx, ref, "n", strings.NewReader("published"), 9)
		return err
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		ask    func(context.Context, *Client) error
		want   string
	}{
		"no signature": {func(http.ResponseWriter, *http.Request) {}, sig, "the answer has 0 bytes, want 1–16384"},
		"endless":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 20<<10)) }, sig, "the answer has 16385 bytes, want 1–16384"},
		"a page for a release": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) },
			func(ctx context.Context, c *Client) error { _, err := c.Wanted(ctx); return err }, "the answer is no release"},
		"a page for a server": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) },
			func(ctx context.Context, c *Client) error { _, err := c.Server(ctx); return err }, "what answers is not the API of a Dedicated Cloud"},
		"numbers for parameters": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"s3cret":1}`) },
			func(ctx context.Context, c *Client) error { _, err := c.Params(ctx, ref); return err }, "the answer is not a JSON object of strings"},
		"more than was sent": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Upload-Offset", "10") }, upload, "the cloud holds 10 bytes of a file of 9"},
		"less than nothing":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Upload-Offset", "-1") }, upload, `the API answered with Upload-Offset "-1"`},
		"never enough": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Upload-Offset", "9")
			w.WriteHeader(http.StatusAccepted)
		}, upload, "the cloud has all of it and wants more"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewTLSServer(tt.answer)
			defer s.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			a, err := New(Config{URL: s.URL, HTTP: s.Client(), Logger: slog.New(once{slog.DiscardHandler, cancel})})
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.ask(ctx, a); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// once is a log that ends a request where it says that it is sent again.
type once struct {
	slog.Handler
	cancel func()
}

func (once) Enabled(context.Context, slog.Level) bool { return true }

func (o once) Handle(context.Context, slog.Record) error { o.cancel(); return nil }

// TestSilence: a cloud, or a proxy before it, that stands still in the middle is given up, in
// bubble time.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := New(Config{URL: "https://c.example", Token: "t", HTTP: &http.Client{Transport: frozen{}}})
		if err != nil {
			t.Fatal(err)
		}
		body, err := a.Download(t.Context(), "sha", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(body); err == nil || !strings.Contains(err.Error(), "no byte") {
			t.Errorf("reading ended with %v", err)
		}
		_ = body.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begun := time.Now()
		if _, err := a.Upload(ctx, ref, "n", strings.NewReader("published"), 9); err == nil || time.Since(begun) < time.Hour {
			t.Errorf("got %v after %s", err, time.Since(begun))
		}
	})
}

// frozen is a transport that begins everything and ends nothing; a real connection cannot live in a
// bubble of synctest.
type frozen struct{}

func (frozen) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.Method {
	case http.MethodPut: // takes in nothing
		<-r.Context().Done()
		return nil, r.Context().Err()
	case http.MethodHead:
		return &http.Response{StatusCode: 404, Body: http.NoBody}, nil
	}
	return &http.Response{StatusCode: 200, Body: silent{r.Context()}}, nil
}

type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (silent) Close() error               { return nil }
