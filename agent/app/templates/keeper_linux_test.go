package templates

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
)

// TestMain lets the test program be a shim.
func TestMain(m *testing.M) {
	if job.IsShim(os.Args) {
		os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// host is an agent's host with one App.
type host struct {
	t    *testing.T
	home string
	app  string
	mb   atomic.Int64

	limits job.Limits // of orders
	trust  string
	stop   func()
	k      *Keeper
	runs   int
}

func newHost(t *testing.T, files map[string]string) *host {
	t.Helper()
	h := &host{t: t, home: t.TempDir(), trust: "/etc/ssl/certs/ca-certificates.crt"}
	h.mb.Store(500)
	h.app = h.install("one_v1", files)
	for _, dir := range []string{"jobs", "state"} {
		if err := os.MkdirAll(filepath.Join(h.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.agent()
	return h
}

func (h *host) install(name string, files map[string]string) string {
	dir := filepath.Join(h.home, "programs", name, "0123abc")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			h.t.Fatal(err)
		}
	}
	return dir
}

// agent starts the agent's part; stop stops it.
func (h *host) agent() {
	h.t.Helper()
	e, err := job.NewExecutor(job.Config{})
	if err != nil {
		h.t.Fatal(err)
	}
	jobs := filepath.Join(h.home, "jobs")
	h.k = New(Config{
		Jobs: e, Dir: jobs, MakeDir: janitor.Make, Remove: janitor.Janitor{Dir: jobs}.Remove,
		Learned: filepath.Join(h.home, "state", "templates"), Megabytes: func() int { return int(h.mb.Load()) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.k.Run(ctx)
	}()
	h.stop = func() {
		cancel()
		<-done
	}
	h.t.Cleanup(h.stop)
}

// run runs an order of the App.
func (h *host) run(app string, args map[string]string) (warm bool, out string, exit job.Exit) {
	h.t.Helper()
	h.runs++
	dir := filepath.Join(h.home, "jobs", fmt.Sprintf("order.%d", h.runs))
	if err := janitor.Make(dir); err != nil {
		h.t.Fatal(err)
	}
	m, err := tcx.ParseManifest([]byte(`{"programLanguage": "PYTHON", "programMain": "main.py", "programVersion": "1.0.0", "languageVersion": "3.11", "displayName": "x", "runtimeLevel": "Organization", "features": []}`))
	if err != nil {
		h.t.Fatal(err)
	}
	l, err := launch.Build(app, m, launch.Execution{
		Session: filepath.Base(dir), JobDir: dir, AppParams: args, APIPath: "https://localhost/api", Token: "the-token-of-" + filepath.Base(dir),
		TrustEnv: []string{"SSL_CERT_FILE=" + h.trust}, PythonHome311: "/usr/bin/python3",
		Isolation: job.Isolation{Level: job.IsolationFull, Hide: []string{h.home}}, Grace: time.Second, Limits: h.limits,
	})
	if err != nil {
		h.t.Skip(err)
	}
	p, err := h.k.StartNoted(h.t.Context(), l, func(job.Status) error { return nil })
	if err != nil {
		h.t.Fatal(err)
	}
	exit, err = p.Wait(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.k.Ended(dir)
	if exit.Code != 0 {
		h.t.Logf("run %d: %+v", h.runs, exit)
	}
	return p.Status().Warm, job.Tail(dir, job.Stdout, 4096), exit
}

// await waits until the App has a state.
func (h *host) await(app, state string) Status {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for _, s := range h.k.Status() {
			if s.App == app && s.State == state {
				return s
			}
		}
	}
	h.t.Fatalf("%s is not %s: %+v", app, state, h.k.Status())
	return Status{}
}

const library = "import json, decimal, email.message\nvalue = 7\n"

const mainProgram = "import sys; sys.path.insert(0, 'deps'); sys.path.insert(0, sys.path.pop(0) and __import__('os').getcwd() + '/deps')\nimport lib, lib.sub, own\nprint(lib.value, sys.argv)\n"

func TestAppBecomesWarm(t *testing.T) {
	h := newHost(t, map[string]string{"main.py": mainProgram, "own.py": "", "deps/lib/__init__.py": library, "deps/lib/sub.py": ""})
	var cold string
	for n := 1; n <= 3; n++ {
		warm, out, _ := h.run(h.app, map[string]string{"x": "secret"})
		if warm {
			t.Errorf("run %d was warm", n)
		}
		if cold != "" && strings.ReplaceAll(out, fmt.Sprint("order.", n), "") != strings.ReplaceAll(cold, fmt.Sprint("order.", n-1), "") {
			t.Errorf("run %d: got %s, want %s", n, out, cold)
		}
		cold = out
	}
	ready := h.await("one_v1", "ready")
	if ready.App != "one_v1" || ready.Version != "1.0.0" || ready.Kilobytes < 1000 {
		t.Errorf("got %+v", ready)
	}
	warm, out, _ := h.run(h.app, map[string]string{"x": "secret"})
	if !warm || strings.ReplaceAll(out, "order.4", "") != strings.ReplaceAll(cold, "order.3", "") {
		t.Errorf("got %v, %s, want %s", warm, out, cold)
	}
	if s := h.await("one_v1", "ready"); s.Served != 1 {
		t.Errorf("got %+v", s)
	}
}

// TestOrdersWithTheirOwnLimits share one template, whose own limits are the widest of theirs.
func TestOrdersWithTheirOwnLimits(t *testing.T) {
	h := newHost(t, map[string]string{"main.py": importing, "deps/lib.py": "value = 1"})
	for _, h.limits = range []job.Limits{{Memory: 96 << 20, Tasks: 50}, {Memory: 200 << 20}, {Memory: 64 << 20, Tasks: 60}} {
		h.run(h.app, nil)
	}
	h.await("one_v1", "ready")
	for n, limits := range []job.Limits{{Memory: 80 << 20}, {Tasks: 70, CPUWeight: 20}, {}} {
		h.limits = limits
		if warm, _, exit := h.run(h.app, nil); !warm || exit.Code != 0 {
			t.Errorf("order %d: warm is %v, %+v", n, warm, exit)
		}
	}
	if s := h.await("one_v1", "ready"); s.Served != 3 {
		t.Errorf("got %+v", s)
	}
	h.k.mu.Lock()
	defer h.k.mu.Unlock()
	for _, a := range h.k.apps {
		if want := (job.Limits{Memory: 200 << 20}); a.launch.Limits != want {
			t.Errorf("the template's limits are %+v, want %+v", a.launch.Limits, want)
		}
	}
}

// TestAppsThatRunOnce leave no templates, and those that may take no memory none either.
func TestAppsThatRunOnce(t *testing.T) {
	h := newHost(t, nil)
	for n := range 100 {
		h.run(h.install(fmt.Sprintf("app%d_v1", n), map[string]string{"main.py": importing, "deps/lib.py": "value = 1"}), nil)
	}
	if got := h.k.Status(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	h.mb.Store(0)
	app := h.install("off_v1", map[string]string{"main.py": importing, "deps/lib.py": "value = 1"})
	for range 4 {
		if warm, _, _ := h.run(app, nil); warm {
			t.Error("appsWarmMegabytes is 0, and an App was warm")
		}
	}
	if got := h.k.Status(); len(got) != 0 || len(list(t, h.home, Prefix)) != 0 {
		t.Errorf("got %+v", got)
	}
}

const importing = "import sys, os; sys.path.insert(0, os.getcwd() + '/deps'); import lib; print(lib.value)"

// TestUnfitAppStartsCold and the status says why.
func TestUnfitAppStartsCold(t *testing.T) {
	h := newHost(t, map[string]string{"main.py": importing, "deps/lib.py": "import threading, time\nthreading.Thread(target=time.sleep, args=(100,), daemon=True).start()\nvalue = 1"})
	for range 3 {
		h.run(h.app, nil)
	}
	if s := h.await("one_v1", "cold"); !strings.Contains(s.Reason, "start threads") {
		t.Errorf("got %+v", s)
	}
	if warm, out, exit := h.run(h.app, nil); warm || out != "1\n" || exit.Code != 0 {
		t.Errorf("got %v %q %+v", warm, out, exit)
	}
}

// TestRoom: the template that was not used for longest makes room.
func TestRoom(t *testing.T) {
	files := map[string]string{"main.py": importing, "deps/lib.py": "value = 1"}
	h := newHost(t, files)
	for range 3 {
		h.run(h.app, nil)
	}
	first := h.await("one_v1", "ready")
	h.mb.Store(first.Kilobytes>>10 + 1) // for one of them
	h.k.mu.Lock()
	for _, a := range h.k.apps {
		a.used = time.Now().Add(-2 * busyFor)
	}
	h.k.mu.Unlock()
	other := h.install("two_v1", files)
	for range 3 {
		h.run(other, nil)
	}
	h.await("two_v1", "ready")
	h.await("one_v1", "cold")
	if warm, _, _ := h.run(other, nil); !warm {
		t.Error("the second App starts cold")
	}
	if warm, _, _ := h.run(h.app, nil); warm {
		t.Error("the first App starts warm")
	}
}

// TestIdle: a template that was of use is back with the first run after a pause; one that was started so
// in vain is not.
func TestIdle(t *testing.T) {
	h := newHost(t, map[string]string{"main.py": importing, "deps/lib.py": "value = 1"})
	pause := func() {
		h.k.mu.Lock()
		for _, a := range h.k.apps {
			a.used = time.Now().Add(-2 * window)
			for i := range a.runs {
				a.runs[i] = a.used
			}
		}
		h.k.mu.Unlock()
		h.k.upkeep()
		if got := h.k.Status(); len(got) != 0 {
			t.Errorf("after a pause there is %+v", got)
		}
	}
	for range 3 {
		h.run(h.app, nil)
	}
	h.await("one_v1", "ready")
	if warm, _, _ := h.run(h.app, nil); !warm {
		t.Error("it starts cold")
	}
	pause()
	h.run(h.app, nil)
	h.await("one_v1", "ready")
	pause()
	if h.run(h.app, nil); len(h.k.Status()) != 0 {
		t.Errorf("got %+v", h.k.Status())
	}
}

// TestNextAgent: the templates of an agent end with it, and the next one knows the lists.
func TestNextAgent(t *testing.T) {
	h := newHost(t, map[string]string{"main.py": importing, "deps/lib.py": "value = 1"})
	for range 3 {
		h.run(h.app, nil)
	}
	h.await("one_v1", "ready")
	h.stop()
	h.agent()
	for range 3 { // without a run to learn from
		if warm, _, _ := h.run(h.app, nil); warm {
			t.Error("a template of the agent before was used")
		}
	}
	h.await("one_v1", "ready")
	if warm, _, _ := h.run(h.app, nil); !warm {
		t.Error("the next agent starts it cold")
	}
	for deadline := time.Now().Add(30 * time.Second); len(list(t, h.home, Prefix)) != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("templates that are left: %q", list(t, h.home, Prefix))
		}
	}
}

func list(t *testing.T, home, prefix string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(home, "jobs", prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNewCAs: what Apps trust changes, and with it the template.
func TestNewCAs(t *testing.T) {
	h := newHost(t, map[string]string{"main.py": importing, "deps/lib.py": "value = 1"})
	h.trust = filepath.Join(h.home, "trust.pem")
	if err := os.WriteFile(h.trust, []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		h.run(h.app, nil)
	}
	h.await("one_v1", "ready")
	if err := os.WriteFile(h.trust, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if warm, _, _ := h.run(h.app, nil); warm {
		t.Error("a template with older CAs was used")
	}
	h.await("one_v1", "ready")
	if warm, _, _ := h.run(h.app, nil); !warm {
		t.Error("there is no template with the new CAs")
	}
}

func FuzzList(f *testing.F) {
	app := f.TempDir()
	for _, file := range []string{"deps/a/b.py", "deps/c.py", "own.py", "deps/d.cpython-311.so"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(app, file)), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(app, file), nil, 0o644); err != nil {
			f.Fatal(err)
		}
	}
	f.Add([]byte("deps\ta.b\ndeps\tc\ndeps\t../own\n.\town\ndeps\td\n/etc\tpasswd\ndeps\t__main__\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := parseList(data, app)
		if len(got) > 3 {
			t.Fatalf("got %+v", got)
		}
		for _, m := range got {
			if m.Root != filepath.Join(app, "deps") || m.Name != "a.b" && m.Name != "c" && m.Name != "d" {
				t.Errorf("got %+v", m)
			}
		}
	})
}

func FuzzLearned(f *testing.F) {
	f.Add([]byte(`{"app":"/a","interpreter":"/p","modules":[{"root":"/a/deps","name":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := decodeLearned(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := decodeLearned(again); err != nil || !reflect.DeepEqual(l, same) {
			t.Errorf("got %+v, %v, want %+v", same, err, l)
		}
	})
}

// TestHostileList: what an App puts in the list's place is not followed.
func TestHostileList(t *testing.T) {
	for name, main := range map[string]string{
		"link":   "os.symlink('/etc/passwd', path)",
		"pipe":   "os.mkfifo(path)",
		"folder": "os.mkdir(path)",
		"large":  "open(path, 'w').write('deps\\tlib\\n' * 1000000)",
		"device": "os.symlink('/dev/zero', path)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, map[string]string{"main.py": "import os\npath = os.environ['TMPDIR'] + '/../in/.tc_modules'\n" + main + "\nos._exit(0)\n", "deps/lib.py": ""})
			for range 3 {
				if _, _, exit := h.run(h.app, nil); exit.Code != 0 {
					t.Errorf("got %+v", exit)
				}
			}
		})
	}
}
