package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/inventory"
	"tcenvsvr/test/disk"
)

const entries = 40

// filled makes a store with something of each kind, and returns its folder. A store that was killed
// leaves the inventory of a moment ago.
func filled(t *testing.T, killed bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(t.Context(), Config{Dir: dir, quiet: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	kv, err := s.KV(t.Context(), "values", KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if _, err := kv.Put(t.Context(), fmt.Sprint("k", i), []byte(strings.Repeat("x", 100+i))); err != nil {
			t.Fatal(err)
		}
	}
	o, err := s.Objects(t.Context(), "objects")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.PutBytes(t.Context(), "one", bytes.Repeat([]byte("x"), 1<<20)); err != nil {
		t.Fatal(err)
	}
	s.inventory.Write()
	if killed {
		if _, err := kv.Put(t.Context(), "k0", []byte("changed after the inventory")); err != nil {
			t.Fatal(err)
		}
	}
	asKilled, err := os.ReadFile(dir + ".json")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if killed {
		if err := os.WriteFile(dir+".json", asKilled, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// all reads everything back, or says what is missing.
func all(ctx context.Context, s *Store) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	kv, err := s.KV(ctx, "values", KVOptions{})
	if err != nil {
		return err
	}
	for i := range entries {
		if _, err := kv.Get(ctx, fmt.Sprint("k", i)); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
	}
	o, err := s.Objects(ctx, "objects")
	if err != nil {
		return err
	}
	_, err = o.GetBytes(ctx, "one")
	return err
}

// TestDamagedFile: whichever file of the store is damaged, it starts with all that it held, or says
// what is lost, where and what to do, every time, and goes on without it when told to.
func TestDamagedFile(t *testing.T) {
	for _, killed := range []bool{false, true} {
		src := filled(t, killed)
		var files []string
		if err := filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, p)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		files = append(files, src+".json")
		for _, file := range files {
			rel, err := filepath.Rel(filepath.Dir(src), file)
			if err != nil {
				t.Fatal(err)
			}
			for how, damage := range disk.Damages {
				t.Run(fmt.Sprintf("killed=%t/%s/%s", killed, rel, how), func(t *testing.T) {
					t.Parallel()
					parent := t.TempDir()
					if err := os.CopyFS(parent, os.DirFS(filepath.Dir(src))); err != nil {
						t.Fatal(err)
					}
					path := filepath.Join(parent, rel)
					if info, err := os.Stat(path); err != nil || info.Size() == 0 {
						t.Skip("nothing to damage")
					}
					if err := damage(path); err != nil {
						t.Fatal(err)
					}
					damaged(t, filepath.Join(parent, "store"))
				})
			}
		}
	}
}

// TestNewestChangeLost: a file that is cut off at its end loses the newest value of a key, and NATS
// shows the one before as if it were the newest. That is a loss like others.
func TestNewestChangeLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	kv, err := s.KV(t.Context(), "values", KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"before", "newest"} {
		if _, err := kv.Put(t.Context(), "k", []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	block := filepath.Join(dir, "jetstream/$G/streams/KV_values/msgs/1.blk")
	info, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(block, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := Open(t.Context(), Config{Dir: dir})
		if _, ok := errors.AsType[*inventory.LossError](err); !ok {
			t.Errorf("got %v, want what is lost", err)
		}
		if err == nil {
			s.Close()
		}
	}
	if s, err = Open(t.Context(), Config{Dir: dir, AcceptLoss: true}); err != nil {
		t.Fatalf("the loss was accepted, but: %v", err)
	}
	s.Close()
	if s, err = Open(t.Context(), Config{Dir: dir}); err != nil {
		t.Fatalf("after the loss was accepted: %v", err)
	}
	s.Close()
}

func damaged(t *testing.T, dir string) {
	for range 2 { // NATS forgets what it has thrown away; we do not
		s, err := Open(t.Context(), Config{Dir: dir, quiet: time.Second})
		if err == nil {
			// What an object holds is read when it is asked for, and says so then.
			if err := all(t.Context(), s); err != nil && !strings.Contains(err.Error(), `object "one": a piece of it is missing or damaged`) {
				t.Errorf("it started without a word, but: %v", err)
			}
			s.Close()
			return
		}
		loss, ok := errors.AsType[*inventory.LossError](err)
		if !ok || !strings.Contains(err.Error(), dir) || !strings.Contains(loss.Hint(), "back from a backup, both of one time; or go on without what is lost: serve --accept-loss, once") {
			t.Fatalf("got %v, want what is lost and what to do", err)
		}
	}
	s, err := Open(t.Context(), Config{Dir: dir, quiet: time.Second, AcceptLoss: true})
	if err != nil {
		t.Fatalf("the loss was accepted, but: %v", err)
	}
	kv, err := s.KV(t.Context(), "values", KVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := kv.Get(ctx, fmt.Sprint("k", i))
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
			t.Errorf("key %d after the loss was accepted: %v", i, err)
		}
		cancel()
	}
	if _, err := kv.Put(t.Context(), "k0", []byte("again")); err != nil {
		t.Error(err)
	}
	s.Close()
	// Also when NATS has to read all of it again.
	if err := os.RemoveAll(filepath.Join(dir, "jetstream/$G/streams/KV_values/msgs/index.db")); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), Config{Dir: dir, quiet: time.Second}); err != nil {
		t.Fatalf("after the loss was accepted: %v", err)
	}
	s.Close()
}
