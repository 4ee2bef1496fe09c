package download

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
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/updater/delta"
	"tcenvsvr/updater/release"
)

func hexSum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// serve answers with data as a static file server with our ETags does.
func serve(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+hexSum(data)+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

func fetcher(t *testing.T, h http.Handler) Fetcher {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Fetcher{Client: server.Client(), URL: server.URL, Dir: t.TempDir()}
}

var program = bytes.Repeat([]byte("0123456789abcdef"), 16<<10) // 256 KiB

func TestADownloadThatBreaksOffGoesOn(t *testing.T) {
	var asked []string
	cut := true
	f := fetcher(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		if cut {
			cut = false
			w.Header().Set("Content-Length", fmt.Sprint(len(program)))
			_, _ = w.Write(program[:100_000])
			panic(http.ErrAbortHandler)
		}
		serve(program)(w, r)
	}))
	if _, err := f.File(t.Context(), "x", int64(len(program)), hexSum(program)); err == nil {
		t.Fatal("half a file was taken for the whole")
	}
	path, err := f.File(t.Context(), "x", int64(len(program)), hexSum(program))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, program) {
		t.Error("the file differs")
	}
	if len(asked) != 2 || asked[0] != "" || !strings.HasPrefix(asked[1], "bytes=") || asked[1] == "bytes=0-" {
		t.Errorf("asked for %q, want all and then the rest", asked)
	}
	if _, err := f.File(t.Context(), "x", int64(len(program)), hexSum(program)); err != nil || len(asked) != 2 {
		t.Errorf("a whole file was asked for again: %v, %q", err, asked)
	}
}

func TestServersThatDoNotServeWhatWasSigned(t *testing.T) {
	size, sum := int64(len(program)), hexSum(program)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"other bytes":      {serve(bytes.ToUpper(program)), ErrMismatch.Error()},
		"too short":        {serve(program[:1000]), "1000 of"},
		"not there":        {http.NotFound, "the update server answered 404 Not Found"},
		"forbidden":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "403"},
		"busy":             {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "busy"},
		"nothing":          {func(http.ResponseWriter, *http.Request) {}, "0 of"},
		"a range unasked?": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206) }, `the update server sent range "" where "bytes 0-" was wanted`},
	} {
		t.Run(name, func(t *testing.T) {
			f := fetcher(t, c.handler)
			if _, err := f.File(t.Context(), "x", size, sum); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			// What the bad server left does no harm once a good one answers.
			good := fetcher(t, serve(program))
			good.Dir = f.Dir
			if _, err := good.File(t.Context(), "x", size, sum); err != nil {
				// One mismatch may be told before the partial file is begun anew.
				if _, err = good.File(t.Context(), "x", size, sum); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
		})
	}
}

func TestAnEndlessBodyIsCut(t *testing.T) {
	var sent atomic.Int64
	f := fetcher(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			n, err := w.Write(program)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	if _, err := f.File(t.Context(), "x", 1000, hexSum(program)); !errors.Is(err, ErrMismatch) {
		t.Errorf("got %v, want ErrMismatch", err)
	}
	files, _ := filepath.Glob(filepath.Join(f.Dir, "*"))
	if len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

// A server that sends a byte now and then is given up, in bubble time.
func TestSlowServersAreGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		every time.Duration
		want  string
	}{
		"silent":             {2 * stall, "no byte came"},
		"one byte a second?": {time.Second, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &drip{every: c.every, closed: make(chan struct{})}
				f := Fetcher{Dir: t.TempDir(), URL: "http://u", Client: &http.Client{Transport: body}}
				begun := time.Now()
				_, err := f.File(t.Context(), "x", int64(len(program)), hexSum(program))
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if took := time.Since(begun); took > deadline+time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// drip is a transport whose answer has a byte every now and then; a real connection cannot live in
// a bubble of synctest.
type drip struct {
	every  time.Duration
	closed chan struct{}
}

func (d *drip) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: d}, nil
}

func (d *drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.every):
		p[0] = 'x'
		return 1, nil
	case <-d.closed:
		return 0, net.ErrClosed
	}
}

func (d *drip) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return nil
}

func TestTheRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := io.NopCloser(bytes.NewReader(program))
		begun := time.Now()
		if _, err := copyAlive(t.Context(), io.Discard, body, int64(len(program)), 64<<10); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < 2*time.Second || took > 5*time.Second {
			t.Errorf("256 KiB at 64 KiB/s took %s", took)
		}
	})
}

// One kilobyte a second is the lowest rate there is: it takes its time, and comes to an end.
func TestTheLowestRateMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		moved := &arrivals{}
		n, err := copyAlive(t.Context(), moved, io.NopCloser(bytes.NewReader(program)), int64(len(program)), 1000)
		if err != nil || n != int64(len(program)) {
			t.Fatalf("%d bytes after %s, then %v", n, time.Since(begun), err)
		}
		if took, want := time.Since(begun), time.Duration(len(program))*time.Millisecond; took < want-2*time.Second || took > want+time.Second {
			t.Errorf("%d bytes at 1000 a second took %s, want %s", n, took, want)
		}
		if moved.pause > 2*time.Second {
			t.Errorf("nothing moved for %s", moved.pause)
		}
	})
}

// arrivals knows the longest pause between two writes.
type arrivals struct {
	last  time.Time
	pause time.Duration
}

func (a *arrivals) Write(p []byte) (int, error) {
	if !a.last.IsZero() {
		a.pause = max(a.pause, time.Since(a.last))
	}
	a.last = time.Now()
	return len(p), nil
}

func TestDeltasAndWhatTheyFallBackTo(t *testing.T) {
	newer := append([]byte("newer"), program...)
	patch, err := delta.Make(program, newer)
	if err != nil {
		t.Fatal(err)
	}
	current := filepath.Join(t.TempDir(), "current")
	if err := os.WriteFile(current, program, 0o755); err != nil {
		t.Fatal(err)
	}
	rel := release.Release{
		Version: "1.1.0", OS: "linux", Arch: "amd64", Size: int64(len(newer)), SHA256: hexSum(newer),
		Deltas: []release.Delta{{From: hexSum(program), SHA256: hexSum(patch), Size: int64(len(patch))}},
	}
	evil, err := delta.Make(program, []byte(strings.Repeat("evil", len(newer)/4+1))[:len(newer)])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		patch   []byte
		current string
		delta   bool
	}{
		"the delta is used":                {patch, current, true},
		"another program runs":             {patch, os.Args[0], false},
		"the program cannot be read":       {patch, filepath.Join(t.TempDir(), "none"), false},
		"the delta is not there":           {nil, current, false},
		"the signed delta makes something": {evil, current, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := rel
			if c.patch != nil {
				r.Deltas = []release.Delta{{From: hexSum(program), SHA256: hexSum(c.patch), Size: int64(len(c.patch))}}
			}
			f := fetcher(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch {
				case !strings.HasSuffix(req.URL.Path, ".delta"):
					serve(newer)(w, req)
				case c.patch != nil:
					serve(c.patch)(w, req)
				default:
					http.NotFound(w, req)
				}
			}))
			res, err := f.Release(t.Context(), r, c.current)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(res.Path); !bytes.Equal(got, newer) || res.Delta != c.delta {
				t.Errorf("got %d bytes, delta %v (%v), want %v", len(got), res.Delta, res.Why, c.delta)
			}
			if err := f.Tidy(""); err != nil {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(f.Dir); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestNoRoom(t *testing.T) {
	f := fetcher(t, serve(program))
	if _, err := f.File(t.Context(), "x", 1<<60, hexSum(program)); !errors.Is(err, space.ErrFull) {
		t.Errorf("got %v, want %v", err, space.ErrFull)
	}
}

func TestCancel(t *testing.T) {
	f := fetcher(t, serve(program))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.File(ctx, "x", int64(len(program)), hexSum(program)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}
