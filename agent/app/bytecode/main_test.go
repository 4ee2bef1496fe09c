package bytecode

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/test/need"
)

// TestMain is also the shim of what the tests start: else a shim would run the tests again.
func TestMain(m *testing.M) {
	if job.IsShim(os.Args) {
		os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

var pythonApp = tcx.Manifest{Language: "python", Main: "run.py"}

// compiler compiles with an interpreter, without a sandbox.
func compiler(t testing.TB, python string) *Compiler {
	t.Helper()
	jobs, err := job.NewExecutor(job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var n atomic.Int32
	return New(build.Config{
		Jobs: jobs, Execution: func() launch.Execution { return launch.Execution{PythonHome311: python} },
		World: func(context.Context) (job.Isolation, error) { return job.Isolation{}, nil },
		Folder: func() (string, string, func(), error) {
			session := fmt.Sprint("build-", n.Add(1))
			dir := filepath.Join(folder, session)
			return session, dir, func() { _ = os.RemoveAll(dir) }, janitor.Make(dir)
		},
	})
}

// unpack writes files below a new folder.
func unpack(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names are those of a set, sorted as it is.
func (s *Set) names() (names []string) {
	for _, f := range s.Files {
		names = append(names, f.Name)
	}
	return names
}

// place compiles and places all of an App, and returns what was compiled.
func place(t testing.TB, c *Compiler, dir string) []string {
	t.Helper()
	old, err := Brought(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.Compile(t.Context(), dir, pythonApp, old, t.TempDir())
	if err != nil || set.Refused != nil {
		t.Fatal(err, set.Refused)
	}
	if err := set.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := set.Place(dir, old, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return set.names()
}

// run runs a Python program in dir as an App is run, and returns what it prints: the names of the
// files that Python had to compile, and then what the program itself says.
func run(t testing.TB, python, dir, program string) (compiled []string, out string) {
	t.Helper()
	hook := `import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args[1])) if event == "compile" and args[1] else None)
` + program + `
print("|".join(s for s in seen if "<" not in s))
`
	cmd := exec.Command(python, "-c", hook)
	cmd.Dir, cmd.Env = dir, []string{"PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"}
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for name := range strings.SplitSeq(lines[len(lines)-1], "|") {
		if name != "" {
			compiled = append(compiled, name)
		}
	}
	return compiled, strings.Join(lines[:len(lines)-1], "\n")
}

func python(t testing.TB) string {
	t.Helper()
	return need.Python(t)
}

// like reports whether an error says what is wanted, nothing if that is empty.
func like(err error, want string) bool {
	if err == nil || want == "" {
		return err == nil && want == ""
	}
	return strings.Contains(err.Error(), want)
}
