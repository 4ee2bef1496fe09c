package daemon

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestTwinsWithoutEnd: a cloud that names another host each time, and ends it each time, does not
// fill the log.
func TestTwinsWithoutEnd(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	var w twin
	for i := range 1000 {
		w.update(1, map[string]string{"host": fmt.Sprint(i), "name": "\x1b[2Jx", "address": "192.0.2.1"}, log)
		if n := w.now(1); n == nil || n.Name != "?[2Jx" {
			t.Fatalf("got %+v", n)
		}
		w.update(1, nil, log)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 {
		t.Errorf("%d lines of log, want 2:\n%.500s", lines, out.String())
	}
	if !strings.Contains(out.String(), "the cloud keeps this host connected; ") {
		t.Errorf("the log does not say what to do:\n%.500s", out.String())
	}
}
