package host

import (
	"context"
	"os"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if releaseDir != "" {
		_ = os.RemoveAll(releaseDir)
	}
	os.Exit(code)
}

var built = sync.OnceValues(func() (string, error) { return Build(context.Background()) })

// root is the bare machine's root file system; the first test builds it.
func root(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test builds and boots a machine")
	}
	Needs(t)
	dir, err := built()
	must(t, err, "building the root file system")
	return dir
}
