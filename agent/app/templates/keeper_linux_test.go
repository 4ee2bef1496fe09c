package templates

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	mb   int
	k    *Keeper
	runs int
}

func newHost(t *testing.T, files map[string]string) *host {
	t.Helper()
	h := &host{t: t, home: t.TempDir(), mb: 500}
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

// agent starts the agent's part; the returned function stops it.
func (h *host) agent() (stop func()) {
	h.t.Helper()
	e, err := job.NewExecutor(job.Config{})
	if err != nil {
		h.t.Fatal(err)
	}
	jobs := filepath.Join(h.home, "jobs")
	h.k = New(Config{
		Jobs: e, Dir: jobs, MakeDir: janitor.Make, Remove: janitor.Janitor{Dir: jobs}.Remove,
		Learned: filepath.Join(h.home, "state", "templates"), Megabytes: func() int { return h.mb },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.k.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	h.t.Cleanup(stop)
	return stop
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
		TrustEnv: []string{"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}, PythonHome311: "/usr/bin/python3",
		Isolation: job.Isolation{Level: job.IsolationFull, Hide: []string{h.home}}, Grace: time.Second,
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
func (h *host) await(state string) Status {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for _, s := range h.k.Status() {
			if s.State == state {
				return s
			}
		}
	}
	h.t.Fatalf("no template is %s: %+v", state, h.k.Status())
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
	ready := h.await("ready")
	if ready.App != "one_v1" || ready.Version != "1.0.0" || ready.Kilobytes < 1000 {
		t.Errorf("got %+v", ready)
	}
	warm, out, _ := h.run(h.app, map[string]string{"x": "secret"})
	if !warm || strings.ReplaceAll(out, "order.4", "") != strings.ReplaceAll(cold, "order.3", "") {
		t.Errorf("got %v, %s, want %s", warm, out, cold)
	}
	if s := h.await("ready"); s.Served != 1 {
		t.Errorf("got %+v", s)
	}
}
