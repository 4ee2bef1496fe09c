package job

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/warm"
)

// children are the child processes of a process.
func children(t testing.TB, pid int) []int {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var list []int
	for _, task := range tasks {
		data, _ := os.ReadFile(task)
		for _, f := range strings.Fields(string(data)) {
			n, _ := strconv.Atoi(f)
			list = append(list, n)
		}
	}
	return list
}

// pythonOf is the template's Python.
func pythonOf(t testing.TB, tp *Process) int {
	t.Helper()
	for _, pid := range children(t, tp.Status().AppPID) {
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); strings.HasPrefix(string(comm), "python") {
			return pid
		}
	}
	t.Fatal("the template has no Python")
	return 0
}

// startWarm starts an order by the template.
func startWarm(t testing.TB, e *Executor, tp *Process, l Launch) *Process {
	t.Helper()
	l.Warm = tp.Warm()
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Status().Warm {
		t.Fatalf("started cold: %s", p.Status().Cold)
	}
	return p
}

// sleeper is an App that says that it runs, and sleeps.
const sleeper = "import os, time\nprint('x', file=open(os.environ['TMPDIR'] + '/../out/ready', 'w'), flush=True)\ntime.sleep(1000)\n"

// TestNoSecretInTemplate looks for what orders were told in the memory of the template's processes.
func TestNoSecretInTemplate(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("reading the memory of other processes needs root")
	}
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "import os, sys, time\nx = [os.environ['SECRET'] * 3, sys.argv[1] * 3]\nprint('x', file=open(os.environ['TMPDIR'] + '/../out/ready', 'w'), flush=True)\nwhile not os.path.exists(os.environ['TMPDIR'] + '/../out/go'): time.sleep(0.01)\n", "deps/lib.py": "import json\n"})
	tp := template(t, e, dir, "lib")
	secrets := [][]byte{}
	for n := range 3 {
		l := order(t, dir, fmt.Sprintf("argument-%d-%x", n, rand.Uint64()))
		secret := fmt.Sprintf("variable-%d-%x", n, rand.Uint64())
		l.Env[len(l.Env)-1] = "SECRET=" + secret
		secrets = append(secrets, []byte(secret), []byte(l.Argv[2]))
		p := startWarm(t, e, tp, l)
		await(t, l.Dir+"/out/ready")
		if n == 0 { // the scan finds what is there
			found := 0
			for _, pid := range children(t, tp.Status().AppPID) {
				found += scan(t, pid, secrets[:1])
			}
			if found == 0 {
				t.Error("the scan does not find the secret in the App itself")
			}
		}
		if n == 2 { // also while it runs
			for name, pid := range map[string]int{"Python": pythonOf(t, tp), "init": tp.Status().AppPID, "shim": tp.Status().ShimPID, "order's init": p.Status().AppPID} {
				if got := scan(t, pid, secrets); got != 0 {
					t.Errorf("%d secrets are in the memory of the template's %s while the App runs", got, name)
				}
			}
		}
		if err := os.WriteFile(l.Dir+"/out/go", nil, 0o666); err != nil {
			t.Fatal(err)
		}
		wait(t, p)
	}
	for _, pid := range append(children(t, tp.Status().AppPID), tp.Status().AppPID, tp.Status().ShimPID) {
		if got := scan(t, pid, secrets); got != 0 {
			comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			t.Errorf("%d secrets are in the memory of the template's %s", got, comm)
		}
	}
}

// scan counts the texts that are in the memory of a process.
func scan(t *testing.T, pid int, texts [][]byte) int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found := 0
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		if n, _ := fmt.Sscanf(line, "%x-%x r", &from, &to); n != 2 || strings.Contains(line, "[v") {
			continue
		}
		data := make([]byte, min(to-from, 64<<20))
		n, _ := mem.ReadAt(data, from)
		for _, text := range texts {
			found += bytes.Count(data[:n], text)
		}
	}
	return found
}

// TestHostileRunChangesNothing: what one run does to its process, the next one does not see.
func TestHostileRunChangesNothing(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{
		"deps/lib.py": "import json, random\nvalue = [1]\n",
		"main.py": `
import sys, os, signal, locale, threading, time, gc, json, resource
sys.path.insert(0, os.getcwd() + "/deps")
import lib
state = [lib.value, getattr(lib, "left", None), json.dumps({}), os.getcwd(), sorted(os.environ), sys.argv, sys.path, os.umask(0o7), locale.setlocale(locale.LC_ALL), repr(signal.getsignal(signal.SIGTERM)), threading.active_count(), os.listdir("/tmp"), os.listdir("/dev/shm"), os.listdir("/proc/self/fd"), resource.getrlimit(resource.RLIMIT_NOFILE), hasattr(json, "left"), [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 100]]
print(state)
lib.value.append(2); lib.left = 1; json.dumps = lambda *a: "owned"; json.left = 1
os.environ["LEFT"] = "1"; os.chdir("/"); os.umask(0o777); locale.setlocale(locale.LC_ALL, "C"); sys.path[:] = []
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("/tmp/left", "w"); open("/dev/shm/left", "w"); sys.stdout = open(os.devnull, "w")
resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
for fd in range(3, 30):
    try: os.write(fd, b"owned")
    except OSError: pass
if os.fork() == 0:
    os.setsid()
    while True: time.sleep(1)
for pid in range(2, 60):
    try: os.kill(pid, signal.SIGCONT)
    except OSError: pass
os._exit(0)
`})
	tp := template(t, e, dir, "lib")
	first := ""
	for n := range 3 {
		l := order(t, dir)
		p := startWarm(t, e, tp, l)
		exit := wait(t, p)
		got := strings.ReplaceAll(output(t, l.Dir, Stdout), l.Dir, "JOB")
		if n == 0 {
			first = got
		}
		if exit.Code != 0 || exit.Killed != 1 || got != first || !strings.Contains(got, "[[1], None, '{}'") {
			t.Errorf("run %d: %+v\n%s, want\n%s", n, exit, got, first)
		}
	}
}

// TestUnfit: a library whose import leaves what a fork would share makes its App start cold.
func TestUnfit(t *testing.T) {
	e := newExecutor(t)
	for name, c := range map[string]struct{ library, want string }{
		"thread":      {"import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()", "start threads"},
		"socket":      {"import socket\ns = socket.socket()", "leave a socket open"},
		"file":        {"f = open('/etc/passwd')", "leave /etc/passwd open"},
		"memory":      {"import mmap\nm = mmap.mmap(-1, 4096)", "share memory"},
		"process":     {"import subprocess\np = subprocess.Popen(['sleep', '1000'])", "start processes"},
		"daemon":      {"import os\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    import time; time.sleep(1000)\n  os._exit(0)\nos.wait()", "start processes"},
		"folder":      {"import os\nos.chdir('/')", "change the working folder"},
		"environment": {"import os\nos.environ['X'] = '1'", "change the environment"},
		"own":         {"import os\nx = os.environ.get('SECRET')", "read SECRET"},
		"locale":      {"import locale\nlocale.setlocale(locale.LC_ALL, 'C')", "change the locale"},
		"signal":      {"import signal\nsignal.signal(signal.SIGUSR1, lambda *a: None)", "change the signal handlers"},
		"umask":       {"import os\nos.umask(0)", "change the umask"},
		"path":        {"import sys\nsys.path.append('/x')", "change the sys.path"},
		"stdio":       {"import sys, io\nsys.stdout = io.StringIO()", "change the stdin, stdout or stderr"},
		"limit":       {"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))", "change the limits"},
		"own module":  {"import sys, os\nsys.path.insert(0, os.getcwd())\nimport own\nsys.path.remove(os.getcwd())", "import the App's own module own"},
		"exit":        {"import os\nos._exit(0)", "its Python ended while it imported"},
		"crash":       {"import os\nos.abort()", "its Python ended while it imported"},
		"trace":       {"import sys\nsys.settrace(lambda *a: None)", "trace or profile"},
		"words":       {"import os\nos.write(3, b'ready')\nos._exit(0)", ""}, // a lie: it serves nobody
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := app(t, map[string]string{"main.py": "print('main')", "own.py": "", "deps/lib.py": c.library})
			home := jobDir(t)
			l := order(t, dir)
			l.ID, l.Dir, l.Argv, l.Isolation.Keep, l.Isolation.Tmp = "template", home, []string{python}, nil, ""
			l.Isolation.Hide = []string{filepath.Dir(filepath.Dir(home))}
			tp, err := e.StartTemplate(t.Context(), l, Program{App: dir, Target: []string{"main.py"}, Own: []string{"SECRET"}, Env: l.Env[:6], Modules: []Module{{Root: dir + "/deps", Name: "lib"}}})
			if err != nil {
				t.Fatal(err)
			}
			if exit := wait(t, tp); !strings.Contains(exit.Error, c.want) {
				t.Errorf("got %+v, want %q", exit, c.want)
			}
			l = order(t, dir)
			l.Warm = tp.Warm()
			p, err := e.Start(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			if exit := wait(t, p); exit.Code != 0 || output(t, l.Dir, Stdout) != "main\n" || p.Status().Warm || p.Status().Cold == "" {
				t.Errorf("got %+v, %+v", exit, p.Status())
			}
		})
	}
}

// TestForksHaveTheirOwnRandomNumbers, also where a library detects forks by their PID.
func TestForksHaveTheirOwnRandomNumbers(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{
		"deps/lib.py": "import random, ssl, uuid, tempfile, multiprocessing, secrets\nssl.RAND_bytes(8); random.random(); own = random.Random(1); tempfile._get_candidate_names()\nnext(tempfile._get_candidate_names())\n",
		"main.py": `
import sys, os
sys.path.insert(0, os.getcwd() + "/deps")
import lib, random, ssl, uuid, tempfile, multiprocessing, secrets
def all(): return [str(x) for x in (random.random(), ssl.RAND_bytes(8).hex(), uuid.uuid4(), lib.own.random(), next(tempfile._get_candidate_names()), bytes(multiprocessing.current_process().authkey).hex(), secrets.token_hex(8))]
print("\n".join(all()), flush=True)
if os.fork() == 0:
  print(ssl.RAND_bytes(8).hex(), flush=True)
  os._exit(0)
os.wait()
`})
	tp := template(t, e, dir, "lib")
	seen := map[string]int{}
	for n := range 4 {
		l := order(t, dir)
		exit := wait(t, startWarm(t, e, tp, l))
		lines := strings.Fields(output(t, l.Dir, Stdout))
		if exit.Code != 0 || len(lines) != 8 {
			t.Fatalf("got %+v\n%s", exit, output(t, l.Dir, Stdout))
		}
		for i, line := range lines {
			if m, there := seen[line]; there {
				t.Errorf("number %d of run %d was one of run %d: %s", i, n, m, line)
			}
			seen[line] = n
		}
	}
}

// TestWarmEnds: cancel, timeout and leftovers are as for every App.
func TestWarmEnds(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "import os, signal, sys, time\nif 'deaf' in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)\nif os.fork() == 0:\n  os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n  print('x', file=open(os.environ['TMPDIR'] + '/../out/ready', 'w'), flush=True)\ntime.sleep(1000)\n", "deps/lib.py": ""})
	tp := template(t, e, dir, "lib")
	for _, c := range []struct{ arg, signal string }{{"", "SIGTERM"}, {"deaf", "SIGKILL"}} {
		l := order(t, dir, c.arg)
		p := startWarm(t, e, tp, l)
		await(t, l.Dir+"/out/ready")
		if err := p.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, p); exit.Reason != ReasonCancelled || exit.Signal != c.signal || exit.Killed == 0 {
			t.Errorf("%s: got %+v", c.arg, exit)
		}
	}
	l := order(t, dir)
	l.Timeout = 300 * time.Millisecond
	if exit := wait(t, startWarm(t, e, tp, l)); exit.Reason != ReasonTimedOut {
		t.Errorf("got %+v", exit)
	}
	settled(t, tp)
}

// settled waits until nothing of an order lives in the template: its Python does.
func settled(t testing.TB, tp *Process) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(children(t, tp.Status().AppPID)) != 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d processes are left in the template", len(children(t, tp.Status().AppPID)))
		}
	}
}

// TestTemplateDies: without its template an App starts cold; one that runs goes on without the
// Python, and ends, and is told of, with the template's world.
func TestTemplateDies(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": sleeper, "deps/lib.py": ""})
	for name, victim := range map[string]func(*Process) int{
		"python": func(tp *Process) int { return pythonOf(t, tp) },
		"init":   func(tp *Process) int { return tp.Status().AppPID },
		"shim":   func(tp *Process) int { return tp.Status().ShimPID },
	} {
		t.Run(name, func(t *testing.T) {
			tp := template(t, e, dir, "lib")
			running := order(t, dir)
			p := startWarm(t, e, tp, running)
			await(t, running.Dir+"/out/ready")
			if err := unix.Kill(victim(tp), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			next := order(t, dir)
			next.Warm = tp.Warm()
			q, err := e.Start(t.Context(), next)
			if err != nil {
				t.Fatal(err)
			}
			await(t, next.Dir+"/out/ready")
			if err := q.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			wait(t, q)
			if name == "python" {
				if !p.alive() {
					t.Error("the App did not go on without the template's Python")
				}
				if err := p.Cancel(t.Context()); err != nil {
					t.Fatal(err)
				}
				if exit := wait(t, p); exit.Reason != ReasonCancelled || exit.Signal != "SIGTERM" {
					t.Errorf("got %+v", exit)
				}
			} else if exit := wait(t, p); exit.Signal != "SIGKILL" || exit.Code != -1 {
				t.Errorf("got %+v", exit)
			}
			wait(t, tp)
			nothingLeft(t, running.Dir)
		})
	}
}

// TestShimOfWarmAppDies: the App ends with its shim.
func TestShimOfWarmAppDies(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": sleeper, "deps/lib.py": ""})
	tp := template(t, e, dir, "lib")
	l := order(t, dir)
	p := startWarm(t, e, tp, l)
	await(t, l.Dir+"/out/ready")
	if err := unix.Kill(p.Status().ShimPID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonShimLost {
		t.Errorf("got %+v", exit)
	}
	settled(t, tp)
}

// TestShimOfForkDies: what a template makes for a shim ends with that, also before the App is there.
func TestShimOfForkDies(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "print('main')\n", "deps/lib.py": "import os, time\nfork = os.fork\ndef slow():\n  time.sleep(1000)\n  return fork()\nos.fork = slow\n"})
	tp := template(t, e, dir, "lib")
	c, err := sock.Dial(t.Context(), tp.Dir(), tp.Status().ShimPID, tp.Status().Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, sock.Order+tp.Warm().Key+"\n"); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	l := order(t, dir)
	a, err := warm.Join(c, &l.Isolation, null, null)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(children(t, tp.Status().AppPID)) != 2 || len(children(t, pythonOf(t, tp))) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the order has no init and no fork")
		}
	}
	a.Close()
	for deadline := time.Now().Add(20 * time.Second); len(children(t, tp.Status().AppPID)) != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the init of the order goes on without a shim")
		}
	}
}

// TestForkOutsideItsWorld: the arguments of an order are for a process in its world, whatever a template's
// libraries do. Here the fork does not begin in there, and would print what it is told.
func TestForkOutsideItsWorld(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{
		"main.py":     "import os\nprint('main', os.environ['SECRET'])\n",
		"deps/lib.py": "import os\nos.fork = lambda: 0\nchdir = os.chdir\ndef told(path):\n  print('told', os.environ['SECRET'], flush=True)\n  chdir(path)\nos.chdir = told\n",
	})
	tp := template(t, e, dir, "lib")
	for range 2 {
		l := order(t, dir)
		l.Warm = tp.Warm()
		p, err := e.Start(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		exit := wait(t, p)
		if s := p.Status(); s.Warm || !strings.Contains(s.Cold, "not in its order's world") {
			t.Errorf("warm is %v: %q", s.Warm, s.Cold)
		}
		if got := output(t, l.Dir, Stdout); exit.Code != 0 || got != "main of the order\n" {
			t.Errorf("%+v, %q", exit, got)
		}
	}
	settled(t, tp)
}

// TestDrain: a template whose agent is gone takes no more orders, and ends with its last one.
func TestDrain(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": sleeper, "deps/lib.py": ""})
	tp := template(t, e, dir, "lib")
	l := order(t, dir)
	p := startWarm(t, e, tp, l)
	await(t, l.Dir+"/out/ready")
	disown(t, tp)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		next := order(t, dir)
		next.Warm = tp.Warm()
		q, err := e.Start(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		wait(t, q)
		if !q.Status().Warm {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not drain")
		}
	}
	if !p.alive() || !tp.alive() {
		t.Fatal("it did not wait for its last order")
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, p)
	wait(t, tp)
}

// disown ends the wait for a template, as the end of its agent does.
func disown(t testing.TB, tp *Process) {
	t.Helper()
	waiters.Lock()
	defer waiters.Unlock()
	waiters.of[tp.Dir()]()
}

// TestAtMostOneStart kills the template, or the order's shim, at any moment of a start: the App is
// executed at most once, and each start has an end that is told.
func TestAtMostOneStart(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "import os\nwith open(os.environ['TMPDIR'] + '/../out/starts', 'a') as f: f.write('x')\n", "deps/lib.py": ""})
	rounds := 24
	if testing.Short() {
		rounds = 6
	}
	warm, cold, failed := 0, 0, 0
	for n := range rounds {
		tp := template(t, e, dir, "lib")
		python := pythonOf(t, tp)
		victims := []int{python, tp.Status().AppPID, tp.Status().ShimPID}
		l := order(t, dir)
		l.Warm = tp.Warm()
		delay := time.Duration(rand.N(int64(16 * time.Millisecond)))
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			time.Sleep(delay)
			if n%4 < len(victims) {
				_ = unix.Kill(victims[n%4], unix.SIGKILL)
				return
			}
			for _, pid := range children(t, tp.Status().AppPID) { // the order's init, or its App
				if pid != python {
					_ = unix.Kill(pid, unix.SIGKILL)
				}
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		p, err := e.Start(ctx, l)
		<-killed
		if err == nil {
			exit, err := p.Wait(ctx)
			if err != nil {
				t.Fatalf("round %d: no end: %v", n, err)
			}
			if p.Status().Warm {
				warm++
			} else {
				cold++
				if exit.Code != 0 {
					t.Errorf("round %d: started cold, and ended so: %+v", n, exit)
				}
			}
		} else {
			failed++
			t.Logf("round %d, victim %d, after %v: %v", n, n%4, delay, err)
		}
		cancel()
		starts, _ := os.ReadFile(filepath.Join(l.Dir, "out/starts"))
		if len(starts) > 1 {
			t.Errorf("round %d: %d starts", n, len(starts))
		}
		disown(t, tp)
	}
	t.Logf("%d warm, %d cold, %d failed", warm, cold, failed)
}

// TestBurst: many orders at once are all forked by the one template.
func TestBurst(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "print('main')\n", "deps/lib.py": ""})
	tp := template(t, e, dir, "lib")
	var starts errgroup.Group
	for range 48 { // more than a shim has connections
		l := order(t, dir)
		l.Warm = tp.Warm()
		starts.Go(func() error {
			p, err := e.Start(t.Context(), l)
			if err != nil {
				return err
			}
			exit, err := p.Wait(t.Context())
			if err == nil && (!p.Status().Warm || exit.Code != 0) {
				err = fmt.Errorf("warm %v %q, %+v", p.Status().Warm, p.Status().Cold, exit)
			}
			return err
		})
	}
	if err := starts.Wait(); err != nil {
		t.Error(err)
	}
	settled(t, tp)
}
