package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLook: whoever only looks says that a journal is damaged when Open would, and changes nothing.
func TestLook(t *testing.T) {
	sound := t.TempDir()
	lives(t, sound)
	if damage, err := Look(sound); damage != "" || err != nil {
		t.Errorf("a sound journal: %q, %v", damage, err)
	}
	if _, err := Look(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no journal: %v", err)
	}
	for name, damage := range damages() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			lives(t, dir)
			path := filepath.Join(dir, "journal.0")
			if head := heads(t, dir); head[1] > head[0] {
				path = filepath.Join(dir, "journal.1")
			}
			must(t, damage(path))
			before, statErr := os.ReadFile(path)
			said, err := Look(dir)
			if after, err := os.ReadFile(path); string(after) != string(before) || (err == nil) != (statErr == nil) {
				t.Error("looking has changed the file")
			}
			j, openErr := openIn(dir, nil, openFile, fileBytes)
			if openErr != nil {
				t.Skipf("it cannot be opened either: %v; looking says %q, %v", openErr, said, err)
			}
			defer j.Close()
			// A log that ends early shows only by the copies, which Open compares.
			if opened := j.Damage(); strings.Contains(opened, "cannot be read") != strings.Contains(said, "cannot be read") {
				t.Errorf("Open says %q, looking %q, %v", opened, said, err)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		dir := t.TempDir()
		must(t, os.Mkdir(filepath.Join(dir, "journal.0"), 0o700))
		if said, err := Look(dir); said != "journal.0 is no file; journal.1 is gone" || err != nil {
			t.Errorf("%q, %v", said, err)
		}
	})
}

func heads(t *testing.T, dir string) (generations [2]uint64) {
	t.Helper()
	for i := range generations {
		f, err := os.Open(filepath.Join(dir, fileName(i)))
		must(t, err)
		h, err := readHead(f)
		must(t, errors.Join(err, f.Close()))
		generations[i] = h.generation
	}
	return generations
}
