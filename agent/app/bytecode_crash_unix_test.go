//go:build unix

package app

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const crashVar = "TCENVSVR_TEST_CRASH" // DIR:STEP of a child that dies there

// TestCrashAtEachStep kills an agent, in fact a process with its catalog, at each step of a
// compilation, the first one and one in place of older bytecode. The next agent finds an App that
// runs, never downloads it again, tells of no damage, and has it compiled in the end.
func TestCrashAtEachStep(t *testing.T) {
	if at := os.Getenv(crashVar); at != "" {
		dir, text, _ := strings.Cut(at, ":")
		step, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		crash(t, dir, step)
		return
	}
	for _, again := range []bool{false, true} {
		dir, x := t.TempDir(), modular(t)
		for step := 1; ; step++ {
			if again {
				compileWith(t, dir, x, "before")
			} else if err := os.RemoveAll(filepath.Join(dir, "programs")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "x.tcx"), x.data, 0o600); err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0], "-test.run=^TestCrashAtEachStep$")
			child.Env = append(os.Environ(), crashVar+"="+dir+":"+strconv.Itoa(step))
			out, err := child.CombinedOutput()
			died, ok := errors.AsType[*exec.ExitError](err)
			if err != nil && (!ok || died.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) { //nolint:forcetypeassert // it is what unix has
				t.Fatalf("step %d: %v: %s", step, err, out)
			}
			c := compileWith(t, dir, x, "this")
			if left := c.leftovers(t); len(left) > 0 {
				t.Errorf("step %d: left over: %q", step, left)
			}
			if err == nil { // there is no such step any more
				if step < 7 {
					t.Errorf("it has %d steps only: %s", step, out)
				}
				break
			}
		}
	}
}

// compileWith opens a catalog as an agent does, finds the App or installs it, runs it, and compiles
// it.
func compileWith(t *testing.T, dir string, x tcxFile, interpreter string) *Catalog {
	t.Helper()
	comp := newCompiler(t, t.TempDir())
	comp.interpreter = interpreter
	c, err := Open(CatalogConfig{Dir: filepath.Join(dir, "programs"), Compiler: comp})
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	compiledItself(t, app.Dir)
	c.Started(app)
	c.compileAll(t)
	if n := compiledItself(t, app.Dir); n != "0" || len(pycs(t, app.Dir)) != 4 || len(c.Damages()) > 0 {
		t.Errorf("compiled for %q: Python compiled %s modules, damages %+v", interpreter, n, c.Damages())
	}
	return c
}

// crash is the life of the child.
func crash(t *testing.T, dir string, step int) {
	data, err := os.ReadFile(filepath.Join(dir, "x.tcx"))
	if err != nil {
		t.Fatal(err)
	}
	x := named(bytes.Clone(data), "1.0.0")
	c, err := Open(CatalogConfig{Dir: filepath.Join(dir, "programs"), Compiler: newCompiler(t, dir)})
	if err != nil {
		t.Fatal(err)
	}
	c.step = func(string) {
		if step--; step == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	app, err := c.Install(t.Context(), x.ref, x.fetch)
	if err != nil {
		t.Fatal(err)
	}
	c.Started(app)
	c.compileAll(t)
}
