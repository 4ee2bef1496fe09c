package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// modular is an App of many modules, one of them for Python 2. It says how many of its own modules
// Python compiled in this run, and whether it could change the bytecode that there is.
const modular = `
import os, sys
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args[1])) if event == "compile" and args[1] else None)
sys.path.insert(0, os.path.join(os.getcwd(), "deps"))
import tc
for n in range(40):
    assert __import__("pkg.m%d" % n, fromlist=["X"]).X == n
own = [s for s in seen if s.startswith(os.getcwd())]
app = tc.App(tc.params())
app.result("count", len(own))
refused = "nothing there"
try:
    with open("deps/pkg/__pycache__/m0.cpython-311.pyc", "r+b") as f:
        refused = "none"
except OSError as e:
    refused = e.strerror
app.exit(0, refused)
`

func (s *scene) addModular(c *stage.Cloud) {
	s.t.Helper()
	files, err := apps.Files("workers")
	s.must(err, "reading the App")
	files["install.json"] = []byte(strings.ReplaceAll(string(files["install.json"]), "Test - Workers", "Test - Modular"))
	files["run.py"] = []byte(modular)
	for n := range 40 {
		files[fmt.Sprintf("deps/pkg/m%d.py", n)] = fmt.Appendf(nil, "X = %d\n", n)
	}
	files["deps/pkg/old.py"] = []byte("print 'Python 2'\n")
	files["py_compile.py"] = []byte("raise SystemExit('it is not to be run')\n")
	file := filepath.Join(s.Dir, "modular.tcx")
	s.must(apps.Pack(file, files), "packing the App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")
}

// pycs lists the bytecode of an agent's Apps.
func (s *scene) pycs(a *stage.Agent) (all []string) {
	s.t.Helper()
	s.must(filepath.WalkDir(s.paths(a).Programs, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".pyc") {
			all = append(all, path)
		}
		return err
	}), "looking for bytecode")
	return all
}

// ran runs the App and returns how many modules Python compiled, and why the App could not change
// its bytecode.
func (s *scene) ran(c *stage.Cloud) (compiled, refused string) {
	s.t.Helper()
	x := s.runToEnd(c, "Test_-_Modular")
	if x.State != wire.State(wire.Succeeded) {
		s.t.Fatalf("the App ended %s: %s %s", x.State, x.Error, x.Message)
	}
	return x.Results["count"], x.Message
}

// TestBytecode: an App compiles its modules in its first run only, and again after a change of the
// interpreter; no App can change what was compiled.
func TestBytecode(t *testing.T) {
	t.Run("as the agent's user", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		bytecode(s, need.Python(t), "--appsRunner", "none")
	})
	t.Run("isolated, as the sandbox user", func(t *testing.T) {
		t.Parallel()
		user := need.OtherUser(t)
		need.Tool(t, "sudo")
		s := newScene(t)
		refused := bytecode(s, need.Tool(t, "/usr/bin/python3.11"), "--appsIsolation", "required", "--appsSandboxUser", user.Username)
		if refused != "Permission denied" && refused != "Read-only file system" {
			t.Errorf("an App that would change its bytecode is told %q", refused)
		}
	})
	t.Run("not isolated, as the sandbox user", func(t *testing.T) {
		t.Parallel()
		user := need.OtherUser(t)
		need.Tool(t, "sudo")
		s := newScene(t)
		c := s.cloud("lab")
		s.addModular(c)
		a := s.agent(c, "lab", "one", "--appsIsolation", "off", "--appsSandboxUser", user.Username, "--appsPythonHome311", need.Tool(t, "/usr/bin/python3.11"))
		for range 2 {
			if n, _ := s.ran(c); n != "41" {
				t.Errorf("Python compiled %s modules", n)
			}
			s.compiled(a)
		}
		s.prints(a, "status", "keeps Apps from each other's files", "Apps run without it")
		if n := strings.Count(s.log(a), "not compiled"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
	})
}

// log is what an agent has logged.
func (s *scene) log(a *stage.Agent) string {
	s.t.Helper()
	text, err := os.ReadFile(a.Home + ".log") // its standard error
	s.must(err, "reading the log")
	return string(text)
}

// bytecode runs an App before and after it is compiled, and with another interpreter.
func bytecode(s *scene, python string, flags ...string) (refused string) {
	t := s.t
	interpreter := filepath.Join(s.Dir, "python3.11")
	s.must(os.WriteFile(interpreter, []byte("#!/bin/sh\nexec "+python+" \"$@\"\n"), 0o755), "writing an interpreter")
	s.must(os.Chmod(interpreter, 0o755), "writing an interpreter")
	c := s.cloud("lab")
	s.addModular(c)
	flags = append(flags, "--appsPythonHome311", interpreter)
	a := s.agent(c, "lab", "one", flags...)
	s.ran(c)
	s.compiled(a)
	first := s.pycs(a)
	if len(first) != 43 {
		text, _ := a.Do(s.ctx, "status")
		t.Fatalf("compiled %d files: %q\n%s", len(first), first, text)
	}
	for _, path := range first {
		info, err := os.Lstat(path)
		s.must(err, "looking at bytecode")
		if info.Mode() != 0o644 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
	}
	s.ownedBy(s.paths(a).Programs, os.Getuid(), "an App was compiled")
	n, refused := s.ran(c)
	if n != "0" {
		t.Errorf("with bytecode Python compiled %s modules", n)
	}
	a.Kill()
	s.start(a, flags...)
	before, err := os.Lstat(first[0])
	s.must(err, "looking at bytecode")
	if n, _ := s.ran(c); n != "0" {
		t.Errorf("under the next agent Python compiled %s modules", n)
	}
	s.compiled(a)
	if now, err := os.Lstat(first[0]); err != nil || !os.SameFile(before, now) {
		t.Errorf("it was compiled again although nothing had changed: %v", err)
	}
	s.must(os.WriteFile(interpreter, []byte("#!/bin/sh\n# updated\nexec "+python+" \"$@\"\n"), 0o755), "updating the interpreter")
	s.ran(c)
	s.compiled(a)
	if now, err := os.Lstat(first[0]); err != nil || os.SameFile(before, now) {
		t.Errorf("it was not compiled again for an updated interpreter: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(s.paths(a).Jobs, "*build-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
	return refused
}
