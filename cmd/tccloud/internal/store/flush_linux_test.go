package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/test/disk"
)

// TestFlush: a Relaxed stream and what is in it outlast the loss of the disk a moment later, when they were flushed.
func TestFlush(t *testing.T) {
	d := disk.New(t, disk.Size(8<<30))
	open := func() *Store {
		s, err := Open(t.Context(), Config{Dir: filepath.Join(d.Dir, "store")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Stream(t.Context(), s.Relaxed(jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}})); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for range 3 {
		if _, err := s.JS().Publish(t.Context(), "s.one", []byte("kept")); err != nil {
			t.Fatal(err)
		}
	}
	// The server writes a moment after it has acknowledged, as Relaxed allows it.
	for size, same := int64(0), 0; same < 20; time.Sleep(20 * time.Millisecond) {
		var now int64
		blocks, _ := filepath.Glob(filepath.Join(s.folder("S"), "msgs", "*.blk"))
		for _, block := range blocks {
			if info, err := os.Stat(block); err == nil {
				now += info.Size()
			}
		}
		if same++; now != size || now == 0 {
			size, same = now, 0
		}
	}
	first, again := map[string]written{}, map[string]written{}
	if err := flushFolder(s.folder("S"), nil, first); err != nil || len(first) == 0 {
		t.Fatalf("flushed %v: %v", first, err)
	}
	if err := flushFolder(s.folder("S"), first, again); err != nil || len(again) != len(first) {
		t.Errorf("flushed again: %v: %v", again, err)
	}
	d.Shutdown()
	if err := flushFolder(s.folder("S"), map[string]written{}, map[string]written{}); err == nil {
		if _, err := os.ReadDir(s.folder("S")); err == nil {
			t.Error("a disk that is gone was synced")
		}
	}
	s.Close()
	d.Back()
	s = open()
	defer s.Close()
	st, err := s.JS().Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if n := st.CachedInfo().State.Msgs; n != 3 {
		t.Errorf("%d messages are there after the disk came back; want 3", n)
	}
}
