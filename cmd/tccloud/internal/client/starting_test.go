package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/cmd/tccloud/internal/client"
)

// TestAwait: who waits for a cloud waits a moment for a sign of one, for long only while one says that it
// starts, and hears which it was.
func TestAwait(t *testing.T) {
	const still = "is still starting"
	for name, tt := range map[string]struct {
		starts time.Duration // after the wait began; the clock of a bubble is not that of its files
		none   bool
		after  time.Duration
		says   string
	}{
		"none":                {0, true, 3 * time.Second, ""},
		"killed long ago":     {-time.Hour, false, 3 * time.Second, ""},
		"killed while waited": {-30 * time.Second, false, 30 * time.Second, ""},
		"slow":                {time.Second, false, time.Minute, still},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				if !tt.none {
					if _, err := client.Starting(dir); err != nil {
						t.Fatal(err)
					}
					at := time.Now().Add(tt.starts)
					if err := os.Chtimes(filepath.Join(dir, "starting"), at, at); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				err := client.Await(t.Context(), dir)
				took := time.Since(began)
				if !errors.Is(err, client.ErrNotRunning) || strings.Contains(err.Error(), still) != (tt.says != "") || took < tt.after || took > tt.after+time.Second {
					t.Errorf("got %v after %s, want %s %q", err, took, tt.after, tt.says)
				}
			})
		})
	}
}
