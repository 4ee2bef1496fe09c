package job

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/isolation"
)

// python is the interpreter of these tests.
const python = "/usr/bin/python3"

// app makes an App's folder of files, and returns it.
func app(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// template starts the template of an App and waits until it serves.
func template(t testing.TB, e *Executor, dir string, modules ...string) *Process {
	t.Helper()
	if _, err := os.Stat(python); err != nil {
		t.Skip(err)
	}
	home := jobDir(t)
	p := Program{App: dir, Target: []string{"main.py"}, Own: []string{"SECRET"}}
	for _, m := range modules {
		p.Modules = append(p.Modules, Module{Root: dir + "/deps", Name: m})
	}
	tp, err := e.StartTemplate(t.Context(), Launch{
		ID: "template", Dir: home, Argv: []string{python}, WorkDir: dir,
		Env:       []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "TMPDIR=/tmp", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"},
		Isolation: isolation.Plan{Level: isolation.Full, Hide: []string{filepath.Dir(filepath.Dir(home))}, Show: []string{dir}},
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan Exit, 1)
	go func() {
		exit, _ := tp.Wait(ctx)
		ended <- exit
	}()
	t.Cleanup(func() {
		cancel()
		_ = tp.End(context.Background())
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if r, err := tp.Report(t.Context()); err == nil && r.Ready {
			return tp
		}
		select {
		case exit := <-ended:
			t.Fatalf("the template ended: %+v\n%s", exit, Tail(home, Stderr, 4096))
		default:
		}
	}
	t.Fatal("the template is not ready")
	return nil
}

// order is a launch of an App.
func order(t testing.TB, dir string, args ...string) Launch {
	l := Launch{ID: "session-1", Dir: jobDir(t), WorkDir: dir, Argv: append([]string{python, "main.py"}, args...), Grace: time.Second}
	l.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + l.Dir + "/tmp", "TMPDIR=" + l.Dir + "/tmp", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "SECRET=of the order"}
	l.Isolation = isolation.Plan{Level: isolation.Full, Hide: []string{filepath.Dir(filepath.Dir(l.Dir))}, Show: []string{dir}, Keep: []string{l.Dir}, Tmp: filepath.Join(l.Dir, "tmp")}
	return l
}

func TestWarm(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{
		"main.py":              "import lib, os, sys\nprint(lib.where, sys.argv, os.environ['SECRET'], os.getpid(), os.getppid())\nsys.exit(7)\n",
		"deps/lib/__init__.py": "import os\nwhere = os.getpid()\n",
	})
	tp := template(t, e, dir, "lib")
	l := order(t, dir, "--x", "1")
	l.Warm = tp.Warm()
	begun := time.Now()
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(begun), p.Status().Warm, p.Status().Cold)
	exit := wait(t, p)
	t.Log(time.Since(begun), exit)
	if !p.Status().Warm {
		t.Error(p.Status().Cold)
	}
	if exit.Code != 7 {
		t.Errorf("got %+v", exit)
	}
	t.Log(output(t, l.Dir, Stdout), output(t, l.Dir, Stderr))
	if got := output(t, l.Dir, Stdout); !strings.HasSuffix(got, "['main.py', '--x', '1'] of the order 2 0\n") {
		t.Errorf("got %q", got)
	}
}
