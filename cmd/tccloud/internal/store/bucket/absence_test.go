package bucket_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// TestAbsence: what is there and cannot be read is not "not found", as NATS says; what was deleted
// or never was there is.
func TestAbsence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	kv, err := s.KV(t.Context(), "things", store.KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Objects(t.Context(), "contents")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"kept", "deleted"} {
		if _, err := kv.Put(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := objects.PutBytes(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(kv.Delete(t.Context(), "deleted"), objects.Delete(t.Context(), "deleted")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"deleted", "never"} {
		if _, err := kv.Get(t.Context(), key); !errors.Is(err, jetstream.ErrKeyNotFound) {
			t.Errorf("key %q: %v", key, err)
		}
		if _, err := objects.GetBytes(t.Context(), key); !errors.Is(err, jetstream.ErrObjectNotFound) {
			t.Errorf("object %q: %v", key, err)
		}
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("no files of the store were found: %v", err)
	}
	for _, b := range blocks {
		if err := os.Truncate(b, 0); err != nil {
			t.Fatal(err)
		}
	}
	read := map[string]func() error{
		"key":    func() error { _, err := kv.Get(t.Context(), "kept"); return err },
		"object": func() error { _, err := objects.GetInfo(t.Context(), "kept"); return err },
	}
	// What NATS has in memory it forgets when nobody asked for it for ten seconds.
	for end := time.Now().Add(90 * time.Second); len(read) > 0 && time.Now().Before(end); {
		time.Sleep(11 * time.Second)
		for name, f := range read {
			switch err := f(); {
			case errors.Is(err, bucket.ErrUnreadable):
				delete(read, name)
			case err != nil:
				t.Fatalf("%s that cannot be read: %v", name, err)
			}
		}
	}
	for name := range read {
		t.Errorf("%s is read from an empty file", name)
	}
}
