package bytecode

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/seal"
	"tcenvsvr/test/disk"
)

// compiledApp is an App with bytecode, and the record of it.
func compiledApp(t *testing.T) (string, *Record) {
	t.Helper()
	dir := unpack(t, map[string]string{
		"a.py": "A = 1\n", "deps/b.py": "B = 1\n", "__pycache__/brought.cpython-39.pyc": "brought with the package",
	})
	old, err := Brought(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := compiler(t, python(t)).Compile(t.Context(), dir, pythonApp, old, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Place(dir, old, func(string) {}); err != nil {
		t.Fatal(err)
	}
	r := set.Record(old)
	r.Interpreter = "the interpreter"
	return dir, r
}

// anew is a copy of an App with bytecode.
func anew(t *testing.T, dir string, r *Record) (string, *Record) {
	t.Helper()
	c, copied := *r, t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	looks, err := seal.Look(copied)
	if err != nil {
		t.Fatal(err)
	}
	c.Look = looks.Bytecode
	return copied, &c
}

// TestMend: whatever becomes of bytecode, what is left is as it was compiled.
func TestMend(t *testing.T) {
	made, record := compiledApp(t)
	for _, target := range []string{"__pycache__/a" + pyc311, "deps/__pycache__/b" + pyc311, "__pycache__/brought.cpython-39.pyc"} {
		for how, damage := range disk.Damages {
			t.Run(target+" "+how, func(t *testing.T) {
				dir, r := anew(t, made, record)
				if err := damage(filepath.Join(dir, target)); err != nil {
					t.Fatal(err)
				}
				left, wrong, err := Mend(t.Context(), dir, r)
				if err != nil || wrong == "" || left.Interpreter != "" || len(left.Files)+len(left.Brought) != 2 {
					t.Errorf("left %+v, %q, %v", left, wrong, err)
				}
				if _, err := os.Lstat(filepath.Join(dir, target)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("it is still there: %v", err)
				}
				if looks, err := seal.Look(dir); err != nil || looks.Bytecode != left.Look {
					t.Errorf("its look is not what was returned: %v", err)
				}
			})
		}
	}
	t.Run("sound", func(t *testing.T) {
		dir, r := anew(t, made, record)
		left, wrong, err := Mend(t.Context(), dir, r)
		if diff := cmp.Diff(r, left); diff != "" || wrong != "" || err != nil {
			t.Errorf("%q, %v (-want +got):\n%s", wrong, err, diff)
		}
	})
	t.Run("what nobody recorded", func(t *testing.T) {
		dir, r := anew(t, made, record)
		strange := unpackInto(t, dir, map[string]string{
			"__pycache__/run" + pyc311: "x", "deps/__pycache__/b" + pyc311 + ".1234": "x", "new/__pycache__/c.pyc": "x",
		})
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, "__pycache__", "link"+pyc311)); err != nil {
			t.Skip(err)
		}
		left, wrong, err := Mend(t.Context(), dir, r)
		if diff := cmp.Diff(r, left); diff != "" || wrong != "" || err != nil {
			t.Errorf("%q, %v (-want +got):\n%s", wrong, err, diff)
		}
		for _, path := range append(strange, filepath.Join(dir, "__pycache__", "link"+pyc311)) {
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", path, err)
			}
		}
	})
}

func unpackInto(t *testing.T, dir string, files map[string]string) (paths []string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestPlaceRemovesOldBytecode: what was compiled for another interpreter goes, what the package
// brought stays.
func TestPlaceRemovesOldBytecode(t *testing.T) {
	dir, r := compiledApp(t)
	const old, gone = "__pycache__/a.cpython-310.pyc", "__pycache__/gone.cpython-310.pyc"
	unpackInto(t, dir, map[string]string{old: "old", "a.py": "A = 2\n"})
	r.Files = append(r.Files, seal.File{Name: old}, seal.File{Name: gone})
	set, err := compiler(t, python(t)).Compile(t.Context(), dir, pythonApp, r, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Place(dir, r, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, old)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", old, err)
	}
	next := set.Record(r)
	if left, wrong, err := Mend(t.Context(), dir, next); wrong != "" || err != nil || len(left.Files) != 2 || len(left.Brought) != 1 {
		t.Errorf("recorded %+v, there %+v: %q, %v", next, left, wrong, err)
	}
}

// TestRecord: a record that is not exactly what was written is none.
func TestRecord(t *testing.T) {
	r := &Record{Interpreter: "i", Look: "l", Files: []seal.File{{Name: "__pycache__/a.pyc", Size: 1, SHA256: "s"}}}
	for how, damage := range disk.Damages {
		file := filepath.Join(t.TempDir(), "record")
		if err := r.Write(file); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadRecord(file); err != nil || got.Interpreter != "i" || len(got.Files) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		if err := damage(file); err != nil {
			t.Fatal(err)
		}
		got, err := ReadRecord(file)
		if _, there := os.Lstat(file); there != nil { // as if there had never been any bytecode
			if err != nil || !got.empty() {
				t.Errorf("%s: got %+v, %v", how, got, err)
			}
		} else if !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %+v, %v", how, got, err)
		}
	}
	file := filepath.Join(t.TempDir(), "record")
	if err := errors.Join(r.Write(file), new(Record).Write(file)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a record of nothing: %v", err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, r := range []*Record{{}, {Interpreter: "i", Files: []seal.File{{Name: "a/__pycache__/b.pyc"}}}, {Brought: []seal.File{{Name: "../__pycache__/b.pyc"}}}} {
		data, err := r.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		if again, err := r.encode(); err != nil || string(again) != string(data) {
			t.Errorf("%v: it is encoded as %s", err, again)
		}
		for _, file := range append(r.Files, r.Brought...) {
			if !filepath.IsLocal(file.Name) {
				t.Errorf("it names %q", file.Name)
			}
		}
	})
}
