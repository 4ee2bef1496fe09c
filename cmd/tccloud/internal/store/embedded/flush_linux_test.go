package embedded

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/test/disk"
)

// TestFlush: a relaxed stream and what is in it outlast the loss of the disk a moment later, when
// they were flushed.
func TestFlush(t *testing.T) {
	d := disk.New(t, disk.Size(8<<30))
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}, PersistMode: jetstream.AsyncPersistMode}
	open := func() (*Server, jetstream.JetStream) {
		s, err := Open(t.Context(), filepath.Join(d.Dir, "store"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		conn, err := nats.Connect("", nats.InProcessServer(s))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateOrUpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		return s, js
	}
	s, js := open()
	for range 3 {
		if _, err := js.Publish(t.Context(), "s.one", []byte("kept")); err != nil {
			t.Fatal(err)
		}
	}
	// The server writes a moment after it has acknowledged, as the mode allows it.
	for size, same := int64(0), 0; same < 20; time.Sleep(20 * time.Millisecond) {
		var now int64
		blocks, _ := filepath.Glob(filepath.Join(s.Folder("S"), "msgs", "*.blk"))
		for _, block := range blocks {
			if info, err := os.Stat(block); err == nil {
				now += info.Size()
			}
		}
		if same++; now != size || now == 0 {
			size, same = now, 0
		}
	}
	first, again := map[string]fileState{}, map[string]fileState{}
	if err := flushFolder(s.Folder("S"), nil, first); err != nil || len(first) == 0 {
		t.Fatalf("flushed %v: %v", first, err)
	}
	if err := flushFolder(s.Folder("S"), first, again); err != nil || len(again) != len(first) {
		t.Errorf("flushed again: %v: %v", again, err)
	}
	d.Shutdown()
	if err := flushFolder(s.Folder("S"), map[string]fileState{}, map[string]fileState{}); err == nil {
		if _, err := os.ReadDir(s.Folder("S")); err == nil {
			t.Error("a disk that is gone was synced")
		}
	}
	s.Close()
	d.Back()
	_, js = open()
	st, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if n := st.CachedInfo().State.Msgs; n != 3 {
		t.Errorf("%d messages are there after the disk came back; want 3", n)
	}
}
