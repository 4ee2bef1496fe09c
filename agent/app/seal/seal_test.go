package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"
)

// TestLook: a look is the same by whatever way the files were found, because it is kept; and it differs when
// anything does that it stands for.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode fs.FileMode) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 { // more than one reading of a folder returns
		put(fmt.Sprint("many/a-module-with-a-rather-long-name-", i), "", 0o644)
	}
	for name, mode := range map[string]fs.FileMode{
		"run.py": 0o644, "a/b.py": 0o755, "a.py": 0o600, "a-b": os.ModeSetuid | 0o755, "Ä \n": os.ModeSticky | os.ModeSetgid | 0o711,
		"__pycache__/run.cpython-311.pyc": 0o644, "a/__pycache__/b.cpython-311.pyc": 0o644, "a/__pycache__/deep/c.pyc.1": 0o644,
		"a/__pycache__/readme": 0o644, "a/b.pyc": 0o644, "x__pycache__/y.pyc": 0o644,
	} {
		put(name, name, mode)
	}
	for name, to := range map[string]string{"link": "run.py", "folder": "a", "nowhere": "/nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	portable := func() Looks {
		t.Helper()
		l := looker{app: sha256.New(), bytecode: sha256.New()}
		err := walk(dir, func(name string, info fs.FileInfo) error {
			folder, file := path.Split(name)
			l.add(folder, file, inCache(folder), reportOf(info))
			if was := IsBytecode(name); was != (inCache(folder) && mayBeBytecode(file)) {
				t.Errorf("%q is bytecode: %v", name, was)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return Looks{hex.EncodeToString(l.app.Sum(nil)), hex.EncodeToString(l.bytecode.Sum(nil))}
	}
	look := func() Looks {
		t.Helper()
		looks, err := Look(dir)
		if err != nil {
			t.Fatal(err)
		}
		if want := portable(); looks != want {
			t.Errorf("got %v, want %v", looks, want)
		}
		return looks
	}
	before := look()
	put("a/__pycache__/new.pyc", "", 0o644)
	if after := look(); after.App != before.App || after.Bytecode == before.Bytecode {
		t.Error("new bytecode does not change its look alone")
	}
	for _, change := range []struct {
		what string
		make func() error
	}{
		{"content", func() error { return os.WriteFile(filepath.Join(dir, "a/b.py"), []byte("a/B.py"), 0o600) }},
		{"mode", func() error { return os.Chmod(filepath.Join(dir, "run.py"), 0o640) }},
		{"name", func() error { return os.Rename(filepath.Join(dir, "a.py"), filepath.Join(dir, "c.py")) }},
		{"link", func() error {
			return errors.Join(os.Remove(filepath.Join(dir, "folder")), os.Symlink("many", filepath.Join(dir, "folder")))
		}},
		{"folder", func() error { return os.Rename(filepath.Join(dir, "many"), filepath.Join(dir, "few")) }},
		{"gone", func() error { return os.RemoveAll(filepath.Join(dir, "few")) }},
	} {
		before = look()
		if err := change.make(); err != nil {
			t.Fatalf("%s: %v", change.what, err)
		}
		if look().App == before.App {
			t.Errorf("%s: it looks as before", change.what)
		}
	}
	if _, err := Look(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) && err == nil {
		t.Errorf("a look at what is no folder: %v", err)
	}
	if _, err := Look(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a look at nothing: %v", err)
	}
}

// BenchmarkLook is what the check of an App costs at each start.
func BenchmarkLook(b *testing.B) {
	for _, files := range []int{20, 1000, 10_000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			dir := b.TempDir()
			for i := range files {
				sub := filepath.Join(dir, fmt.Sprint("p", i/50))
				if err := os.MkdirAll(sub, 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(sub, fmt.Sprint("m", i, ".py")), make([]byte, 10_000), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := Look(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
