package job

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/isolation"
)

// python is the interpreter of these tests.
const python = "/usr/bin/python3"

// waiters end the waits for templates, by their folders.
var waiters = struct {
	sync.Mutex
	of map[string]context.CancelFunc
}{of: map[string]context.CancelFunc{}}

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
	return templateIn(t, e, jobDir(t), dir, modules...)
}

// templateIn is template with the folder of its job.
func templateIn(t testing.TB, e *Executor, home, dir string, modules ...string) *Process {
	t.Helper()
	if _, err := os.Stat(python); err != nil {
		t.Skip(err)
	}
	p := Program{App: dir, Target: []string{"main.py"}, Own: []string{"SECRET"}, Env: []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "TMPDIR=/tmp", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"}}
	for _, m := range modules {
		p.Modules = append(p.Modules, Module{Root: dir + "/deps", Name: m})
	}
	tp, err := e.StartTemplate(t.Context(), Launch{
		ID: "template", Dir: home, Argv: []string{python}, WorkDir: dir,
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
	waiters.Lock()
	waiters.of[tp.Dir()] = cancel
	waiters.Unlock()
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

// runBoth runs the App cold and warm and returns what it printed, with what must differ made equal.
func runBoth(t *testing.T, e *Executor, tp *Process, dir string, change func(*Launch)) (cold, warm result) {
	t.Helper()
	for _, is := range []bool{false, true} {
		l := order(t, dir, "--name", "wért", "")
		if change != nil {
			change(&l)
		}
		if is {
			l.Warm = tp.Warm()
		}
		p, err := e.Start(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		exit := wait(t, p)
		if p.Status().Warm != is {
			t.Fatalf("warm is %v, not %v: %s", p.Status().Warm, is, p.Status().Cold)
		}
		equal := strings.NewReplacer(l.Dir, "JOB", filepath.Dir(filepath.Dir(l.Dir)), "JOBS", dir, "APP")
		r := result{exit.Code, exit.Signal, exit.Reason, exit.Killed, equal.Replace(output(t, l.Dir, Stdout)), equal.Replace(output(t, l.Dir, Stderr)), left(t, l.Dir+"/out")}
		if is {
			warm = r
		} else {
			cold = r
		}
	}
	return cold, warm
}

type result struct {
	Code           int
	Signal, Reason string
	Killed         int
	Stdout, Stderr string
	Files          string
}

// left are the files that the App has left in a folder, each with its size.
func left(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			fmt.Fprintln(&b, e.Name(), info.Size())
		}
	}
	return b.String()
}

// fileLeft is an App that leaves to Python's end what it should have ended itself.
const fileLeft = `
import atexit, gzip, os, sys, zipfile
sys.path.insert(0, os.getcwd() + "/deps")
import lib
d = os.path.dirname(os.environ["TMPDIR"]) + "/out/"
class D:
    def __init__(self, name): self.name = name
    def __del__(self): os.write(1, self.name + b" is deleted\n")
def g():
    try: yield
    finally: os.write(1, b"generator\n")
f = open(d + "own", "w"); f.write("own " * 9)
lib.kept = open(d + "kept", "w"); lib.kept.write("library " * 9)
lib.zipped = zipfile.ZipFile(d + "zipped", "w"); lib.zipped.writestr("a", "b")
lib.packed = gzip.open(d + "packed", "wt"); lib.packed.write("packed")
o = D(b"own"); lib.o = lib.D(b"library"); c = D(b"circle"); c.c = c; del c
x = g(); next(x)
atexit.register(os.write, 1, b"atexit\n")
print("main")
sys.exit(7)
`

// TestWarmIsLikeCold runs the same Apps cold and warm.
func TestWarmIsLikeCold(t *testing.T) {
	e := newExecutor(t)
	for name, c := range map[string]struct {
		main   string
		want   result // as far as it is not zero
		change func(*Launch)
	}{
		"state": {main: `
import sys
import json, os, locale, resource, signal, threading, gc, stat, time
main = sys.modules["__main__"]
state = {
  "argv": sys.argv, "orig": sys.orig_argv[1:], "env": dict(os.environ), "envb": [n.decode() for n in sorted(os.environb)], "cwd": os.getcwd(),
  "path": sys.path, "name": __name__, "file": __file__, "main": sorted(vars(main)), "loader": type(__loader__).__name__, "spec": repr(__spec__),
  "cached": repr(globals().get("__cached__")), "package": repr(__package__), "annotations": repr(globals().get("__annotations__")),
  "flags": repr(sys.flags), "exe": sys.executable, "prefix": [sys.prefix, sys.base_prefix, sys.exec_prefix], "x": repr(sys._xoptions), "w": sys.warnoptions,
  "umask": os.umask(0o77), "uid": [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
  "signals": {n: repr(signal.getsignal(n)) for n in range(1, 65) if n not in (32, 33)}, "mask": repr(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
  "locale": [locale.setlocale(n) for n in range(6)], "fs": sys.getfilesystemencoding(),
  "fds": {f: stat.S_IFMT(os.fstat(int(f)).st_mode) for f in sorted(os.listdir("/proc/self/fd")) if int(f) < 3}, "open": len(os.listdir("/proc/self/fd")),
  "null": os.readlink("/proc/self/fd/0"), "threads": threading.active_count(), "tasks": len(os.listdir("/proc/self/task")), "thread": threading.current_thread().name,
  "limits": {n: resource.getrlimit(getattr(resource, n)) for n in dir(resource) if n.startswith("RLIMIT")},
  "stdio": [[repr(type(f)), f.fileno(), f.encoding, f.errors, f.line_buffering, f.write_through, f.mode] for f in (sys.stdin, sys.stdout, sys.stderr)],
  "hooks": [repr(type(h)) for h in (sys.excepthook, sys.displayhook, sys.meta_path, sys.path_hooks)], "recursion": sys.getrecursionlimit(),
  "session": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()], "trace": repr(sys.gettrace()), "switch": sys.getswitchinterval(),
  "status": [l.split() for l in open("/proc/self/status") if l.split(":")[0] in ("Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Threads", "TracerPid")],
  "oom": open("/proc/self/oom_score_adj").read(), "nice": os.nice(0), "affinity": len(os.sched_getaffinity(0)), "core": os.read(0, 10).decode(),
  "proc": len([p for p in os.listdir("/proc") if p.isdigit()]), "root": sorted(os.listdir("/")), "job": sorted(os.listdir(os.path.dirname(os.environ["TMPDIR"]))),
  "shm": os.listdir("/dev/shm"), "ns": [os.readlink("/proc/self/ns/" + n) == os.readlink("/proc/1/ns/" + n) if 0 else n for n in ("net", "uts", "cgroup")],
  "parents": [os.stat("/proc/self").st_uid, os.access("/proc/self/environ", os.R_OK), os.access("/proc/self/mem", os.R_OK), os.access("/proc/1/environ", os.R_OK)],
  "home": os.path.expanduser("~"), "gc": [gc.isenabled(), gc.get_threshold()], "builtins": __builtins__ is sys.modules["builtins"], "site": "sitecustomize" in sys.modules, "hook": [m for m in sys.modules if "sitecustomize" in m],
  "temp": __import__("tempfile").gettempdir(),
  "mount": sorted(set(tuple(l.split()[4:6]) for l in open("/proc/self/mountinfo"))),
}
os.umask(state["umask"])
for k, v in state.items(): print(k, json.dumps(v, sort_keys=True))
import lib, lib.sub
print(lib.value, lib.__file__, lib.sub.__spec__.name)
`},
		"exit":                  {main: "import sys; sys.stdout.write('no newline'); sys.exit(3)", want: result{Code: 3, Stdout: "no newline"}},
		"exit text":             {main: "raise SystemExit('said so')", want: result{Code: 1, Stderr: "said so\n"}},
		"exit none":             {main: "import sys; sys.exit()"},
		"hard exit":             {main: "import os; os._exit(9)", want: result{Code: 9}},
		"traceback":             {main: "def f():\n  raise ValueError('x' * 3)\ntry:\n  f()\nexcept ValueError as e:\n  raise KeyError(1) from e\n", want: result{Code: 1}},
		"syntax":                {main: "def f(:\n", want: result{Code: 1}},
		"missing":               {main: "import no_such_module", want: result{Code: 1}},
		"interrupt":             {main: "raise KeyboardInterrupt", want: result{Code: -1, Signal: "SIGINT"}},
		"hook":                  {main: "import sys\nsys.excepthook = lambda *a: print('hooked', a[0].__name__, len(__import__('traceback').extract_tb(a[2])))\n1/0", want: result{Code: 1, Stdout: "hooked ZeroDivisionError 1\n"}},
		"stack":                 {main: "import traceback; traceback.print_stack(); import inspect; print(len(inspect.stack()))", want: result{Stdout: "1\n"}},
		"signal":                {main: "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", want: result{Code: -1, Signal: "SIGSEGV"}},
		"killed":                {main: "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", want: result{Code: -1, Signal: "SIGKILL"}},
		"atexit":                {main: "import atexit; atexit.register(print, 'last'); atexit.register(print, 'first'); print('main')", want: result{Stdout: "main\nfirst\nlast\n"}},
		"thread":                {main: "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\nprint('main')", want: result{Stdout: "main\nthread\n"}},
		"many threads":          {main: "from concurrent.futures import ThreadPoolExecutor as E\nwith E(8) as e: print(sum(e.map(abs, range(1000))))", want: result{Stdout: "499500\n"}},
		"subprocess":            {main: "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import os,sys; print(sorted(os.environ)); print(open(\"/proc/self/status\").read().count(\"Seccomp:\\t2\")); sys.exit(4)'], capture_output=True, text=True))"},
		"fork":                  {main: "import os\npid = os.fork()\nif pid == 0:\n  print('child', flush=True); os._exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))", want: result{Stdout: "child\n5\n"}},
		"spawn":                 {main: "import multiprocessing as m\nif __name__ == '__main__':\n  c = m.get_context('spawn')\n  with c.Pool(2) as p: print(p.map(abs, [-1, -2]))", want: result{Stdout: "[1, 2]\n"}},
		"pool":                  {main: "import multiprocessing as m\nwith m.Pool(2) as p: print(p.map(abs, [-1, -2]))", want: result{Stdout: "[1, 2]\n"}},
		"left":                  {main: "import os, time, subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True); print('gone')", want: result{Stdout: "gone\n", Killed: 1}},
		"asyncio":               {main: "import asyncio\nasync def f(): await asyncio.sleep(0.01); return 7\nprint(asyncio.run(f()))", want: result{Stdout: "7\n"}},
		"pickle":                {main: "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__module__)", want: result{Stdout: "__main__\n"}},
		"file left":             {main: fileLeft, want: result{Code: 7}},
		"file left, to the end": {main: strings.TrimSuffix(fileLeft, "sys.exit(7)\n")},
		"del fails":             {main: "import sys\nclass D:\n  def __del__(self): 1/0\nd = D()\nsys.unraisablehook = lambda u: print(repr(u.exc_value))\nsys.exit(3)", want: result{Code: 3}},
		"late output":           {main: "import sys\nclass D:\n  def __del__(self): print('late', sys.is_finalizing(), sys.meta_path is None)\nd = D()\nsys.exit(5)", want: result{Code: 5}},
		"late import":           {main: "import sys\nclass D:\n  def __del__(self):\n    import colorsys, lib\n    print(colorsys.__name__, lib is L)\nimport sys, os\nsys.path.insert(0, os.getcwd() + '/deps')\nimport lib as L\nd = D(); d.d = d; del d\nsys.exit(5)", want: result{Code: 5, Stdout: "colorsys True\n"}},
		"daemon":                {main: "import sys, threading, time\ndef f():\n  while True: time.sleep(0.001)\nthreading.Thread(target=f, daemon=True).start()\nsys.exit(4)", want: result{Code: 4}},
		"stdout gone":           {main: "import sys, os\nsys.stdout = open(1, 'w', closefd=False); sys.stdout.write('buffered'); os.close(1)\nsys.exit(4)", want: result{Code: 120}},
		"stdout full":           {main: "import sys\nsys.stdout = open('/dev/full', 'w'); sys.stdout.write('lost')\nsys.exit(4)", want: result{Code: 120}},
		"stdout none":           {main: "import sys\nsys.stdout = None\nsys.exit(4)", want: result{Code: 4}},
		"last exit":             {main: "import sys\ntry: sys.exit(9)\nexcept SystemExit as e: print(e.code, e.args)\ne = SystemExit(3); e.code = 6; raise e", want: result{Code: 6, Stdout: "9 (9,)\n"}},
		"exit of many":          {main: "import sys; sys.exit((1, 2))", want: result{Code: 1, Stderr: "(1, 2)\n"}},
		"exit seen":             {main: "import sys, traceback\ntry: sys.exit('x')\nexcept SystemExit: traceback.print_exc()\ntry: sys.exit(1, 2)\nexcept TypeError: print('TypeError')\nprint(sys.exit.__name__, sys.exit.__module__)\nsys.exit()", want: result{Stdout: "TypeError\nexit sys\n"}},
		"own exit":              {main: "class E(SystemExit): code = 8\nraise E(3)", want: result{Code: 8}},
		"large exit":            {main: "import sys; sys.exit(2**70 + 3)", want: result{Code: 255}},
		"negative":              {main: "import sys; sys.exit(-2)", want: result{Code: 254}},
		"true":                  {main: "import sys; sys.exit(True)", want: result{Code: 1}},
		"object":                {main: "import sys\nclass A:\n  def __str__(self): return 'an object'\nsys.exit(A())", want: result{Code: 1, Stderr: "an object\n"}},
		"exit in exit":          {main: "import atexit, sys\nsys.unraisablehook = lambda u: print(repr(u.exc_value))\natexit.register(lambda: sys.exit(5)); atexit.register(print, 'before')\nsys.exit(4)", want: result{Code: 4}},
		"fork exits":            {main: "import os, sys\npid = os.fork()\nif pid == 0: sys.exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\nsys.exit(6)", want: result{Code: 6, Stdout: "5\n"}},
		"replaced":              {main: "import sys, os\nsys.path.insert(0, os.getcwd() + '/deps')\nimport lib\nclass D:\n  def __del__(self): os.write(1, b'del')\nsys.modules['lib'] = D()\nsys.modules['os.path'] = None\nsys.exit(2)", want: result{Code: 2}},
		"logging":               {main: "import logging, logging.handlers, os, sys\nh = logging.handlers.MemoryHandler(1000, target=logging.StreamHandler(sys.stdout))\nlogging.getLogger().addHandler(h)\nlogging.error('logged')\nsys.exit(0)", want: result{Stdout: "logged\n"}},
		"executor":              {main: "import concurrent.futures as c, time, sys\ne = c.ThreadPoolExecutor(2); e.submit(lambda: (time.sleep(.05), print('done')))\nsys.exit(3)", want: result{Code: 3, Stdout: "done\n"}},
		"cancel":                {main: "import signal\nprint(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGPIPE))"},
		"pipe":                  {main: "import os, sys\nos.write(1, b'raw '); sys.stdout.write('text'); os.close(2)", want: result{Stdout: "raw text"}},
		"files":                 {main: "import os\nd = os.path.dirname(os.environ['TMPDIR'])\nopen(d + '/out/a', 'w').write('x'); os.rename(d + '/out/a', d + '/log/b'); open('/tmp/t', 'w'); print(os.listdir(d + '/tmp'), oct(os.stat(d + '/log/b').st_mode))\ntry: open('main.py', 'a')\nexcept OSError as e: print(e.errno)"},
		"file limit":            {main: "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_FSIZE))", change: func(l *Launch) { l.Limits.OpenFiles, l.Limits.FileSize = 99, 1<<20 }},
		"refused": {main: `
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
def call(*a): return c.syscall(*a), ctypes.get_errno()
for name, args in (("setns", (308, 0, 0)), ("unshare", (272, 0x10000000)), ("ptrace", (101, 0, 0, 0, 0)), ("mount", (165, 0, b"/tmp", b"tmpfs", 0, 0)), ("keyctl", (250, 0)), ("clone", (56, 0x10000000, 0, 0, 0, 0)), ("io_uring", (425, 1, 0)), ("bpf", (321, 0, 0, 0))):
  print(name, call(*args))
for path in ("/proc/1/root", "/proc/1/mem", "/proc/1/ns/user", "/run/user", os.environ["TMPDIR"] + "/../shim"):
  try: print(path, os.listdir(path) if os.path.isdir(path) else os.readlink(path) if os.path.islink(path) else open(path, "rb").read(1))
  except OSError as e: print(path, e.errno)
try: os.setuid(12345)
except OSError as e: print(e.errno)
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := app(t, map[string]string{
				"main.py":              c.main,
				"deps/lib/__init__.py": "import random, tempfile, ssl, multiprocessing, concurrent.futures, asyncio, os\nvalue = 'lib'\nclass D:\n  def __init__(self, name): self.name = name\n  def __del__(self): os.write(1, self.name + b' is deleted\\n')\n",
				"deps/lib/sub.py":      "",
				"sitecustomize.py":     "raise SystemError",
				"lib.py":               "", // in the App's folder, before deps: what a cold start without deps in sys.path finds
			})
			if name == "state" {
				for _, f := range []string{"lib.py"} {
					if err := os.Remove(filepath.Join(dir, f)); err != nil {
						t.Fatal(err)
					}
				}
				main := "import sys; sys.path.insert(1, 'APPDIR/deps')\n" + c.main
				main = strings.ReplaceAll(main, "APPDIR", dir)
				if err := os.WriteFile(dir+"/main.py", []byte(main), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tp := template(t, e, dir, "lib", "lib.sub")
			cold, warm := runBoth(t, e, tp, dir, c.change)
			if strings.HasPrefix(name, "file left") { // in which order Python deletes is not certain
				cold.Stdout, warm.Stdout = sorted(cold.Stdout), sorted(warm.Stdout)
			}
			if name == "spawn" { // its tracker of resources ends by itself, sooner or later
				cold.Killed, warm.Killed = 0, 0
			}
			if cold != warm {
				t.Errorf("cold and warm differ:\n%s", difference(cold, warm))
			}
			if c.want.Code != warm.Code || c.want.Signal != warm.Signal || c.want.Killed != warm.Killed || c.want.Stdout != "" && c.want.Stdout != warm.Stdout || c.want.Stderr != "" && c.want.Stderr != warm.Stderr {
				t.Errorf("got %+v, want %+v", warm, c.want)
			}
		})
	}
}

func sorted(lines string) string {
	return strings.Join(slices.Sorted(strings.Lines(lines)), "")
}

func difference(cold, warm result) string {
	var b strings.Builder
	if cold.Code != warm.Code || cold.Signal != warm.Signal || cold.Killed != warm.Killed || cold.Reason != warm.Reason {
		fmt.Fprintf(&b, "%d %s %s %d / %d %s %s %d\n", cold.Code, cold.Signal, cold.Reason, cold.Killed, warm.Code, warm.Signal, warm.Reason, warm.Killed)
	}
	for _, pair := range [][2]string{{cold.Stdout, warm.Stdout}, {cold.Stderr, warm.Stderr}, {cold.Files, warm.Files}} {
		x, y := strings.Split(pair[0], "\n"), strings.Split(pair[1], "\n")
		for i := range max(len(x), len(y)) {
			var l, r string
			if i < len(x) {
				l = x[i]
			}
			if i < len(y) {
				r = y[i]
			}
			if l != r {
				fmt.Fprintf(&b, "-%s\n+%s\n", l, r)
			}
		}
	}
	return b.String()
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
	if got := output(t, l.Dir, Stdout); !strings.Contains(got, "['main.py', '--x', '1'] of the order") {
		t.Errorf("got %q", got)
	}
}
