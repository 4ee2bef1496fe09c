package embedded

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOpen: a server says why it cannot use its folder, at once; and one that is closed takes no client.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "Can't start JetStream: storage directory is not a directory"
	begun := time.Now()
	if _, err := Open(t.Context(), dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || time.Since(begun) > 10*time.Second {
		t.Fatalf("after %s: %v, want %q", time.Since(begun), err, want)
	}
	if err := os.Remove(filepath.Join(dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dir, slog.New(slog.DiscardHandler)) // the one before has left nothing behind
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := s.InProcessConn(); err == nil || err.Error() != "the store is closed until its files can be written" {
		t.Errorf("a client of a closed server: %v", err)
	}
}
