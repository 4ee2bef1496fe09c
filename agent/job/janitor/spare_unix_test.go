//go:build unix

package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// running are Spares that make folders in jobs until stop is called.
func running(t *testing.T, jobs string) (s *Spares, count *atomic.Int64, stop func()) {
	t.Helper()
	count = new(atomic.Int64)
	s = NewSpares(jobs, func(dir string) error { count.Add(1); return Make(dir) }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, count, stop
}

// full waits until Run has made all that it makes before somebody takes one: one more waits for room.
func full(t *testing.T, s *Spares, count *atomic.Int64, made int64) {
	t.Helper()
	for begun := time.Now(); len(s.ready) < spares || count.Load() < made; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%d spares wait, of %d that were made", len(s.ready), count.Load())
		}
	}
}

// TestSpares: a folder that was made before its order came is like one that was made for it, nobody can enter
// it before, and none is left when nobody makes them.
func TestSpares(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	jobs := t.TempDir()
	if err := os.MkdirAll(filepath.Join(jobs, spare+"of-a-crash", "3", "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, count, stop := running(t, jobs)
	full(t, s, count, spares+1)
	homes, _ := filepath.Glob(filepath.Join(jobs, spare+"*"))
	if len(homes) != 1 {
		t.Fatalf("spares are in %q", homes)
	}
	if info, err := os.Lstat(homes[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others can enter %v: %v", info.Mode(), err)
	}
	if err := (Janitor{Dir: jobs}).Sweep(t.Context(), Bounds{}, func(string) bool { return false }); err != nil {
		t.Error(err)
	}
	sound := func(dir string) {
		t.Helper()
		for _, d := range append([]string{""}, Folders...) {
			if info, err := os.Stat(filepath.Join(dir, d)); err != nil || info.Mode() != mode|os.ModeDir {
				t.Errorf("%q: got %v, %v", d, info, err)
			}
		}
	}
	first := filepath.Join(jobs, "first.1")
	if err := errors.Join(s.Take(first), os.WriteFile(filepath.Join(first, "in", "kept"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	sound(first)
	full(t, s, count, spares+2)
	if got := count.Load(); got != spares+2 {
		t.Errorf("%d folders were made, want the spare that was taken, %d, and one that waits for room", got, spares)
	}
	if err := s.Take(first); err != nil { // as at an order's second try
		t.Error(err)
	}
	sound(first)
	if _, err := os.Stat(filepath.Join(first, "in", "kept")); err != nil {
		t.Error(err)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if err := s.Take(filepath.Join(jobs, fmt.Sprint("many.", n))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for n := range 20 {
		sound(filepath.Join(jobs, fmt.Sprint("many.", n)))
	}
	stop()
	if err := s.Take(filepath.Join(jobs, "last.1")); err != nil {
		t.Error(err)
	}
	sound(filepath.Join(jobs, "last.1"))
	for _, name := range names(t, jobs) {
		if strings.HasPrefix(name, spare) {
			t.Errorf("%q is left", name)
		}
	}
}

// TestSparesAreMadeAgain where somebody removed them, or has changed what folders of jobs inherit.
func TestSparesAreMadeAgain(t *testing.T) {
	for name, change := range map[string]func(jobs string) error{
		"removed": func(jobs string) error {
			homes, _ := filepath.Glob(filepath.Join(jobs, spare+"*"))
			err := os.RemoveAll(homes[0])
			for range 100 { // the last one is being made
				if err == nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
				err = os.RemoveAll(homes[0])
			}
			return err
		},
		"mode": func(jobs string) error { return os.Chmod(jobs, 0o750) },
	} {
		t.Run(name, func(t *testing.T) {
			jobs := t.TempDir()
			s, count, _ := running(t, jobs)
			full(t, s, count, spares+1)
			if err := change(jobs); err != nil {
				t.Fatal(err)
			}
			for n := range 2 * spares {
				if err := s.Take(filepath.Join(jobs, fmt.Sprint("s.", n))); err != nil {
					t.Error(err)
				}
			}
			before := count.Load()
			full(t, s, count, 0)
			if err := s.Take(filepath.Join(jobs, "last.1")); err != nil {
				t.Error(err)
			}
			if before < spares+1+2 {
				t.Errorf("%d folders were made: old spares were used", before)
			}
		})
	}
}

// TestSparesReplaceNothing: what an App put where a session is to be made is refused, as without spares.
func TestSparesReplaceNothing(t *testing.T) {
	for name, plant := range map[string]func(dir, other string) error{
		"a link":       func(dir, other string) error { return os.Symlink(other, dir) },
		"a file":       func(dir, _ string) error { return os.WriteFile(dir, nil, 0o600) },
		"a link in it": func(dir, other string) error { return plantIn(dir, "in", other) },
		"a file in it": func(dir, _ string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "in"), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			jobs, other := t.TempDir(), t.TempDir()
			s, count, _ := running(t, jobs)
			full(t, s, count, spares+1)
			dir := filepath.Join(jobs, "ORDER.2")
			if err := plant(dir, other); err != nil {
				t.Fatal(err)
			}
			if err := s.Take(dir); err == nil || !strings.Contains(err.Error(), "making the job's folder") {
				t.Errorf("got %v, want a refusal", err)
			}
		})
	}
}
