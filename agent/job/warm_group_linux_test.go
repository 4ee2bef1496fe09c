package job

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWarmGroup: where each shim is a service of its own, as with tc-job.socket, a template's fork is
// moved to a group of its order's beside the template's, with the limits of the order. Nothing of it
// is left, and one order's group is not taken for that of a shim that is gone.
func TestWarmGroup(t *testing.T) {
	u, controllers := delegated(t)
	e, l := sandboxed(t, "")
	root := filepath.Dir(filepath.Dir(l.Dir))
	dir := filepath.Join(root, "app")
	for name, text := range map[string]string{"main.py": groupProgram, "deps/lib.py": ""} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e.runner = u
	tp := templateIn(t, e, l.Dir, dir, "lib")
	var running []*Process
	for n := range 2 {
		own, _ := delegated(t)
		e.runner = own
		_, place := sandboxed(t, "")
		o := order(t, dir)
		for i := range o.Env {
			o.Env[i] = strings.ReplaceAll(o.Env[i], o.Dir, place.Dir)
		}
		o.Dir = place.Dir
		o.Isolation.Hide, o.Isolation.Keep, o.Isolation.Tmp = []string{filepath.Dir(filepath.Dir(o.Dir))}, []string{o.Dir}, filepath.Join(o.Dir, "tmp")
		o.Limits.Memory = 512 << 20
		p := startWarm(t, e, tp, o)
		running = append(running, p)
		got := strings.TrimSpace(await(t, o.Dir+"/out/group"))
		group := filepath.Join(u.dir, filepath.Base(got))
		if want := fmt.Sprintf("/%s/tc-job-%d-", filepath.Base(u.dir), p.Status().ShimPID); !strings.Contains(got, want) {
			t.Errorf("order %d is in group %q, not in one that begins with %q", n, got, want)
		}
		if slices.Contains(controllers, "memory") {
			if most, err := os.ReadFile(group + "/memory.max"); strings.TrimSpace(string(most)) != "536870912" {
				t.Errorf("order %d may take %q (%v)", n, most, err)
			}
		}
		if left := own.jobs(t); len(left) > 0 {
			t.Errorf("the order's own service has groups %q", left)
		}
	}
	if got := u.jobs(t); len(got) != 3 { // of the template and of two orders
		t.Errorf("the template's service has groups %q", got)
	}
	for n, p := range running {
		if !p.alive() {
			t.Errorf("order %d has ended", n)
		}
		if err := p.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if exit := wait(t, p); exit.Reason != ReasonCancelled {
			t.Errorf("order %d: %+v", n, exit)
		}
	}
	settled(t, tp)
	if got := u.jobs(t); len(got) != 1 {
		t.Errorf("the template's service still has groups %q", got)
	}
}

// TestWarmOutOfMemory needs a host whose memory controller is one of version 2: the order's limit holds for
// a fork, whatever its template may take, and its end is told as that of every App.
func TestWarmOutOfMemory(t *testing.T) {
	u, controllers := delegated(t)
	if !slices.Contains(controllers, "memory") {
		t.Skipf("the controllers here are %q", controllers)
	}
	e, l := sandboxed(t, "")
	dir := filepath.Join(filepath.Dir(filepath.Dir(l.Dir)), "app")
	for name, text := range map[string]string{"main.py": hungryProgram, "deps/lib.py": ""} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	e.runner = u
	tp := templateIn(t, e, l.Dir, dir, "lib")
	for _, c := range []struct {
		limit  uint64
		reason string
	}{{64 << 20, ReasonOutOfMemory}, {512 << 20, ""}} {
		own, _ := delegated(t)
		e.runner = own
		_, place := sandboxed(t, "")
		o := order(t, dir)
		o.Dir, o.Limits.Memory = place.Dir, c.limit
		o.Isolation.Hide, o.Isolation.Keep, o.Isolation.Tmp = []string{filepath.Dir(filepath.Dir(o.Dir))}, []string{o.Dir}, ""
		if exit := wait(t, startWarm(t, e, tp, o)); exit.Reason != c.reason || (exit.Code == 0) != (c.reason == "") {
			t.Errorf("with %d MiB: %+v", c.limit>>20, exit)
		}
	}
	if !tp.alive() {
		t.Error("the template ended with its order")
	}
}

const hungryProgram = "x = [b'x' * (1 << 20) for _ in range(200)]\n"

const groupProgram = `
import os, time
with open("/proc/self/cgroup") as f: own = [line for line in f if line.startswith("0::")][0]
out = os.environ["TMPDIR"] + "/../out/"
with open(out + ".group", "w") as f: f.write(own)
os.rename(out + ".group", out + "group")
time.sleep(1000)
`
