package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestReopen: what was acknowledged is there again, and everything may be
// asked for any number of times.
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
