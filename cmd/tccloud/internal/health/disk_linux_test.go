package health_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/health"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/test/disk"
)

// TestDisk: what is said of a disk that fills and then goes away, and of the store that is on it.
func TestDisk(t *testing.T) {
	const mount = "look at the disk and the system's log (dmesg), check it, mount it writable; the cloud goes on by itself"
	d := disk.New(t, disk.Size(220<<20))
	st, err := store.Open(t.Context(), store.Config{Dir: filepath.Join(d.Dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	look := func(when string, c health.Check, want health.State, text, try string) {
		t.Helper()
		f := c.Look(t.Context())
		if f.State != want || !strings.HasPrefix(f.Text, text) || f.Try != try {
			t.Errorf("%s, %s: got %+v, want %s %q %q", when, c.Name, f, want, text, try)
		}
	}
	prove := func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		st.Prove(ctx)
	}
	folder, kept := health.Disk(d.Dir), health.Store(st)
	const room = "make room there: at least 32 MB must be free; the cloud goes on by itself"
	d.Fill(20 << 20)
	look("nearly full", folder, health.NoIntake, "it is nearly full: ", room)
	d.Fill(0)
	prove()
	look("full", folder, health.Failed, "it is full: ", room)
	look("full", kept, health.Failed, "it takes no writes: the store's disk is full: ", "make room on that disk; the cloud goes on by itself")
	d.Free()
	d.Shutdown() // with room again, but nobody has looked since
	prove()
	look("gone", folder, health.Failed, "a file cannot be written: ", mount)
	look("gone", kept, health.Failed, "it takes no writes: ", mount)
	look("another folder", health.Disk(filepath.Join(t.TempDir(), "none")), health.Failed, "asking for the free space at ", mount)
}
