//go:build unix

package shim

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestShareTakesLittle: how many files an App leaves is not what its shim takes of the host's memory.
func TestShareTakesLittle(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	many, file := filepath.Join(out, "many"), filepath.Join(out, "file")
	if err := os.Mkdir(many, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(many, "file")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3000 {
		if err := os.Symlink("x", filepath.Join(many, fmt.Sprintf("%0200d", n))); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := sharing{left: 100}
	s.share(out)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("it takes %d bytes for 100 names", took)
	}
	share(dir)
	for path, want := range map[string]os.FileMode{out: 0o770, many: 0o770, file: 0o660} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}
