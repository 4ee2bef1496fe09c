package cloud

import (
	"context"
	"io"
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
		_, _ = a.Upload(t.Context(), ref, "n", strings.NewReader("published"), 9)
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
