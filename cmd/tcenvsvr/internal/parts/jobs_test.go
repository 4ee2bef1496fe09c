package parts

import (
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/agent/job"
)

// An agent uses the shim of its own release: the small program that came with it or, where it came
// as one file into a slot, itself, whatever else is installed.
func TestTheShimIsOfTheSameRelease(t *testing.T) {
	dir := t.TempDir()
	place := func(names ...string) string {
		path := filepath.Join(append([]string{dir}, names...)...)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	packaged, small := place("libexec", "tcenvsvr"), place("libexec", job.ShimName)
	released := place("a", "bin", "tcenvsvr")
	if err := os.MkdirAll(filepath.Join(dir, "b", job.ShimName), 0o755); err != nil {
		t.Fatal(err)
	}
	folder := place("b", "tcenvsvr")
	for own, want := range map[string]string{packaged: small, released: released, folder: folder} {
		if got := shimOf(own); got != want {
			t.Errorf("the shim of %q is %q, want %q", own, got, want)
		}
	}
}
