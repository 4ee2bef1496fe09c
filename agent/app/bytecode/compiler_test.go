package bytecode

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/test/need"
)

const pyc311 = ".cpython-311.pyc"

// TestWhatIsCompiled: all places from which an App imports, whatever is in them.
func TestWhatIsCompiled(t *testing.T) {
	py := python(t)
	files := map[string]string{
		"install.json": "{}", "run.py": "print('main')\n", "helper.py": "X = 1\n",
		"deps/pkg/__init__.py": "", "deps/pkg/deep/er/__init__.py": "", "deps/pkg/deep/er/mod.py": "Y = 2\n",
		"deps/space/no_init.py": "Z = 3\n", // a namespace package
		"lib_3.11.7/old.py":     "V = 4\r\nW = 5\r\n",
		"deps/größe_中.py":       "名 = 6\n",
		"deps/cookie.py":        "# -*- coding: latin-1 -*-\nC = '\xe9'\n",
		"deps/bom.py":           "\ufeffB = 7\n",
		"deps/dotted.name.py":   "",
		"deps/empty.py":         "",
		"deps/python2.py":       "print 'old'\nraise E, 'x'\n",
		"deps/nul.py":           "a = 1\x00\n",
		"deps/nested.py":        "x = " + strings.Repeat("(", 5000) + strings.Repeat(")", 5000) + "\n",
		"deps/deep.py":          "x = " + strings.Repeat("-", 200_000) + "1\n",
		"deps/wrong_cookie.py":  "# coding: no-such\n",
		"deps/.py":              "",
		"deps/text.txt":         "", "deps/lib.zip": "PK", "deps/native.so": "\x7fELF",
		"deps/__pycache__/inside.py": "",
		// What a compiler that looks around would import.
		"sitecustomize.py": "raise SystemExit(9)\n", "usercustomize.py": "raise SystemExit(9)\n", "py_compile.py": "raise SystemExit(9)\n",
		"json.py": "raise SystemExit(9)\n", "io.py": "raise SystemExit(9)\n", "importlib/__init__.py": "raise SystemExit(9)\n", "mmap.py": "raise SystemExit(9)\n",
	}
	dir := unpack(t, files)
	got := place(t, compiler(t, py), dir)
	var want []string
	for _, name := range []string{
		"deps/__pycache__/bom", "deps/__pycache__/cookie", "deps/__pycache__/dotted.name", "deps/__pycache__/empty", "deps/__pycache__/größe_中",
		"deps/pkg/__pycache__/__init__", "deps/pkg/deep/er/__pycache__/__init__", "deps/pkg/deep/er/__pycache__/mod", "deps/space/__pycache__/no_init",
		"__pycache__/helper", "__pycache__/io", "__pycache__/json", "__pycache__/mmap", "__pycache__/py_compile", "__pycache__/run",
		"__pycache__/sitecustomize", "__pycache__/usercustomize", "importlib/__pycache__/__init__", "lib_3.11.7/__pycache__/old",
	} {
		want = append(want, name+pyc311)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("compiled (-want +got):\n%s", diff)
	}
	compiled, out := run(t, py, dir, `sys.path.insert(0, "deps"); sys.path.insert(0, "lib_3.11.7")
from pkg.deep.er.mod import Y
import space.no_init, old, cookie, bom
m = __import__("größe_中")
print(Y, space.no_init.Z, old.W, cookie.C, bom.B, m.名)
try:
	import python2
except SyntaxError as e:
	print(e.msg[:26])
`)
	if out != "2 3 5 é 7 6\nMissing parentheses in cal" {
		t.Errorf("the App printed %q", out)
	}
	if len(compiled) != 1 || filepath.Base(compiled[0]) != "python2.py" {
		t.Errorf("Python compiled %q itself", compiled)
	}
	for _, name := range got {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		if info, err = os.Lstat(filepath.Dir(filepath.Join(dir, name))); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("the folder of %s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestCompileSaysWhereCodeIs: tracebacks name the source where it lies.
func TestCompileSaysWhereCodeIs(t *testing.T) {
	py := python(t)
	dir := unpack(t, map[string]string{"deps/m.py": "def f():\n\traise ValueError\n"})
	place(t, compiler(t, py), dir)
	_, out := run(t, py, dir, `sys.path.insert(0, "deps")
import m, traceback
try:
	m.f()
except ValueError:
	print(traceback.format_exc())
`)
	if !strings.Contains(out, "deps/m.py\", line 2") || !strings.Contains(out, "raise ValueError") {
		t.Errorf("got %s", out)
	}
}

// TestBroughtBytecode: what Python uses stays as it is; what it would not use is replaced.
func TestBroughtBytecode(t *testing.T) {
	py := python(t)
	dir := unpack(t, map[string]string{
		"used.py": "X = 'source'\n", "stale.py": "X = 'source'\n", "checked.py": "X = 'source'\n", "timed.py": "X = 'source'\n",
		"legacy/m.pyc": "legacy", "__pycache__/stale.cpython-39.pyc": "of another Python", "__pycache__/orphan" + pyc311: "of nothing",
	})
	script := `import py_compile, os
M = py_compile.PycInvalidationMode
open("other.py", "w").write("X = 'brought'\n")
py_compile.compile("other.py", "__pycache__/used.cpython-311.pyc", invalidation_mode=M.UNCHECKED_HASH)
py_compile.compile("other.py", "__pycache__/stale.cpython-311.pyc", invalidation_mode=M.TIMESTAMP)
py_compile.compile("checked.py", invalidation_mode=M.CHECKED_HASH)
py_compile.compile("timed.py", invalidation_mode=M.TIMESTAMP)
os.remove("other.py")
`
	cmd := exec.Command(py, "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	old, err := Brought(t.Context(), dir)
	if err != nil || len(old.Brought) != 6 {
		t.Fatalf("got %+v, %v", old, err)
	}
	set, err := compiler(t, py).Compile(t.Context(), dir, pythonApp, old, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"__pycache__/stale" + pyc311}, set.names()); diff != "" {
		t.Errorf("compiled (-want +got):\n%s", diff)
	}
	if next := set.Record(old); len(next.Brought) != 5 || len(next.Files) != 1 {
		t.Errorf("recorded %+v", next)
	}
	if err := set.Place(dir, old, func(string) {}); err != nil {
		t.Fatal(err)
	}
	compiled, out := run(t, py, dir, `import used, stale, checked, timed
print(used.X, stale.X, checked.X, timed.X)
`)
	if out != "brought source source source" || len(compiled) != 0 {
		t.Errorf("the App printed %q, and Python compiled %q", out, compiled)
	}
}

// TestReadOnlyFolders: the compiler needs no right to write where the sources are.
func TestReadOnlyFolders(t *testing.T) {
	py := python(t)
	need.Root(t) // who places bytecode where others may not write
	dir := unpack(t, map[string]string{"deps/m.py": "X = 1\n"})
	if err := os.Chmod(filepath.Join(dir, "deps"), 0o555); err != nil {
		t.Fatal(err)
	}
	if got := place(t, compiler(t, py), dir); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}
