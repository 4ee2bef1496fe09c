package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/embedded"
)

// TestReopen: what was acknowledged is there again, and everything may be asked for any number of
// times.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 {
		s, err := Open(t.Context(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := s.Stream(t.Context(), s.Relaxed(jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}})); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Objects(t.Context(), "objects"); err != nil {
				t.Fatal(err)
			}
		}
		kv, err := s.KV(t.Context(), "bucket", KVOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := kv.Put(t.Context(), "k", []byte("v")); err != nil {
				t.Fatal(err)
			}
		} else if e, err := kv.Get(t.Context(), "k"); err != nil || string(e.Value()) != "v" {
			t.Errorf("after reopening: %v, %v", e, err)
		}
		s.Close()
	}
}

// TestOpenFails: a named reason, and nothing left running.
func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		cfg  Config
		want string
	}{
		"nothing given":  {Config{}, "neither a folder nor addresses"},
		"not a folder":   {Config{Dir: file}, "file"},
		"nobody answers": {Config{URLs: []string{"nats://127.0.0.1:1"}}, "connecting to NATS"},
	} {
		_, err := Open(t.Context(), tc.cfg)
		if err == nil || !strings.HasPrefix(err.Error(), "opening store: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnotherFolder: where the store's folder is not there, or is another one (its file system is
// not mounted), a server whose files failed waits. It never begins a new store, and goes on when
// the old one is back.
func TestAnotherFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	kv, err := s.KV(t.Context(), "bucket", KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(ran.Wait)
	t.Cleanup(cancel)
	wait := func(what string, ok func(Health) bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(s.Health()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s: %v", what, s.Health().Err)
			}
		}
	}
	wait("good", func(h Health) bool { return h.Err == nil })
	s.mu.Lock()
	s.durable = s.durable.Add(-time.Minute) // as if this process had stood still: until the next write all is unknown
	s.mu.Unlock()
	if err := s.Health().Err; err == nil || !strings.HasPrefix(err.Error(), "no write was durable for 1m") {
		t.Errorf("after a minute without a write: %v", err)
	}
	wait("good after the next write", func(h Health) bool { return h.Err == nil })
	if err := errors.Join(os.Rename(dir, dir+".away"), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	s.server.Fail("a test says so")
	wait("broken", func(h Health) bool { return errors.Is(h.Err, embedded.ErrBroken) && errors.Is(h.Err, fs.ErrNotExist) })
	if err := os.WriteFile(filepath.Join(dir, "tccloud.id"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	wait("another store", func(h Health) bool { return h.Err != nil && strings.Contains(h.Err.Error(), "another store") })
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the empty folder was used: %v, %v", left, err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(dir+".away", dir)); err != nil {
		t.Fatal(err)
	}
	wait("good again", func(h Health) bool { return h.Err == nil })
	if e, err := kv.Get(t.Context(), "k"); err != nil || string(e.Value()) != "v" {
		t.Errorf("after the folder is back: %v, %v", e, err)
	}
}
