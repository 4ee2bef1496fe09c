package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/isolation"
)

// unit is a runner that does what systemd does for tc-job@.service with Delegate=yes: the shim is
// alone in a control group that belongs to its user.
type unit struct {
	dir  string
	from string // of the shim, where that is a group below, as with DelegateSubgroup=
}

func (u unit) startShim(_ context.Context, exe string) (*startedShim, error) {
	cmd := exec.Command("/bin/sh", "-c", `echo $$ >"$0" && exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"`,
		cmp.Or(u.from, u.dir)+"/cgroup.procs", exe, ShimCommand)
	cmd.Env = cleanEnv()
	return startCommand(cmd)
}

func (unit) explain([]string) (code, refusal string) { return "", "" }

// delegated makes such a group, with the controllers that this machine can give.
func delegated(t *testing.T) (u unit, controllers []string) {
	t.Helper()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip(err)
	}
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(root + "/cgroup.subtree_control"); err != nil {
			continue
		}
		u.dir = filepath.Join(root, fmt.Sprintf("tcenvsvr-test-%d-%d.service", os.Getpid(), time.Now().UnixNano()))
		if err := os.Mkdir(u.dir, 0o755); err != nil {
			t.Skipf("making a control group: %v", err)
		}
		t.Cleanup(func() {
			for range 600 { // a shim that was ended stays for some seconds where nobody has read its end
				_, _ = os.Remove(u.dir+"/tc-shim"), os.Remove(u.dir+"/agent")
				if os.Remove(u.dir) == nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Errorf("%q is still used", u.dir)
		})
		for _, path := range []string{u.dir, u.dir + "/cgroup.procs", u.dir + "/cgroup.subtree_control"} {
			if err := os.Chown(path, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(u.dir + "/cgroup.controllers")
		if err != nil {
			t.Fatal(err)
		}
		return u, strings.Fields(string(data))
	}
	t.Skip("control groups of version 2 are not mounted here")
	return u, nil
}

func (u unit) jobs(t *testing.T) []string {
	t.Helper()
	groups, err := filepath.Glob(u.dir + "/tc-job-*")
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func (u unit) processes(t *testing.T, group string) []string {
	t.Helper()
	data, err := os.ReadFile(group + "/cgroup.procs")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

func inWorld(l Launch) Launch {
	l.Isolation = isolation.Plan{Level: isolation.Full, Hide: []string{filepath.Dir(filepath.Dir(l.Dir))}, Keep: []string{l.Dir}, Tmp: filepath.Join(l.Dir, "tmp")}
	l.WorkDir = l.Dir
	return l
}

// TestGroup: the App is in a group of its own from its first instruction, cannot leave it or raise
// its limits where it is isolated, and nothing of it or of the group is left.
func TestGroup(t *testing.T) {
	for name, world := range map[string]func(Launch) Launch{"off": func(l Launch) Launch { return l }, "full": inWorld} {
		for _, prewarmed := range []bool{false, true} {
			t.Run(fmt.Sprintf("isolation %s, prewarmed %t", name, prewarmed), func(t *testing.T) {
				u, _ := delegated(t)
				e, l := sandboxed(t, `grep ^0:: /proc/self/cgroup
					g=`+filepath.Dir(u.dir)+`$(sed -n s/^0:://p /proc/self/cgroup)
					(echo 5 >$g/cgroup.max.depth) 2>/dev/null && echo changed
					(echo 0 >`+u.dir+`/tc-shim/cgroup.procs) 2>/dev/null && echo left
					setsid env -i sh -c 'trap "" TERM; sleep 1000' &
					exit 3`)
				e.runner = u
				if l = world(l); prewarmed {
					serve(t, e, 1)
				}
				p, err := e.Start(t.Context(), l)
				if err != nil {
					t.Fatal(err)
				}
				if exit := wait(t, p); exit.Code != 3 || exit.Reason != "" || exit.Killed == 0 {
					t.Errorf("%+v", exit)
				}
				got := output(t, l.Dir, Stdout)
				if !strings.Contains(got, ".service/tc-job-"+strconv.Itoa(p.status.ShimPID)+"-") {
					t.Errorf("the App was in group %q", got)
				}
				// Without a world it can: then the test shows that it has tried.
				if can := name == "off"; strings.Contains(got, "changed") != can || strings.Contains(got, "left") != can {
					t.Errorf("the App tried to change and to leave its group; that it can is %t: %q", can, got)
				}
				nothingLeft(t, l.Dir)
				for _, group := range u.jobs(t) {
					kept := prewarmed && name == "full" && len(u.processes(t, group)) <= 8 // for the next jobs, whose inits wait
					if strings.Contains(group, "tc-job-"+strconv.Itoa(p.status.ShimPID)+"-") && !kept {
						t.Errorf("%q is left", group)
					}
				}
			})
		}
	}
}

// TestGroupAgain: a shim that has one isolated App after the other gives them one group, which goes with the
// shim; Apps without a world of their own, who could have written to it, each have another.
func TestGroupAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		world func(Launch) Launch
		same  bool
	}{"off": {func(l Launch) Launch { return l }, false}, "full": {inWorld, true}} {
		t.Run(name, func(t *testing.T) {
			u, _ := delegated(t)
			script := `sleep 1000 & stat -c %i ` + filepath.Dir(u.dir) + `$(sed -n s/^0:://p /proc/self/cgroup)`
			e, first := sandboxed(t, script)
			_, second := sandboxed(t, script)
			e.runner = u
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- e.Run(ctx, func() int { return 1 }) }()
			var groups []string
			for _, l := range []Launch{first, second} {
				waiting(t, e, 1)
				p, err := e.Start(t.Context(), tt.world(l))
				if err != nil {
					t.Fatal(err)
				}
				if exit := wait(t, p); exit.Code != 0 || exit.Reason != "" {
					t.Errorf("%+v", exit)
				}
				groups = append(groups, strings.TrimSpace(output(t, l.Dir, Stdout)))
			}
			if same := groups[0] == groups[1]; same != tt.same {
				t.Errorf("the groups of the Apps were %q", groups)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			left := u.jobs(t)
			for until := time.Now().Add(10 * time.Second); len(left) != 0 && time.Now().Before(until); left = u.jobs(t) {
				time.Sleep(time.Millisecond) // a shim that was about to come back ends by itself
			}
			if len(left) != 0 {
				t.Errorf("%q is left", left)
			}
		})
	}
}

// TestGroupOfLostShim: where shims share a service (a user's own), what an App hid before it killed its shim ends with the next job.
func TestGroupOfLostShim(t *testing.T) {
	u, _ := delegated(t)
	u.from = u.dir + "/agent"
	if err := os.Mkdir(u.from, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(u.from+"/cgroup.procs", 65534, 65534); err != nil {
		t.Fatal(err)
	}
	e, l := sandboxed(t, `(setsid env -i /bin/sh -c 'echo $$ >"$0"; exec sleep 1000' "$PWD/out/daemon" &)
		until [ -s out/daemon ]; do sleep 0.01; done
		kill -9 $PPID; exec sleep 1000`)
	e.runner = u
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonShimLost {
		t.Fatalf("%+v", exit)
	}
	daemon, err := strconv.Atoi(await(t, l.Dir+"/out/daemon"))
	if err != nil || !alive(daemon) {
		t.Fatalf("the daemon does not live: this test shows nothing (%v)", err)
	}
	_, next := sandboxed(t, "true")
	if p, err = e.Start(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code != 0 {
		t.Errorf("%+v", exit)
	}
	for deadline := time.Now().Add(10 * time.Second); alive(daemon); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(daemon, syscall.SIGKILL)
			t.Fatal("the daemon lives")
		}
	}
	for _, group := range u.jobs(t) {
		if err := os.Remove(group); err != nil {
			t.Error(err)
		}
	}
}

// TestOutOfMemory needs a host whose memory controller is one of version 2.
func TestOutOfMemory(t *testing.T) {
	for name, world := range map[string]func(Launch) Launch{"off": func(l Launch) Launch { return l }, "full": inWorld} {
		t.Run(name, func(t *testing.T) {
			u, controllers := delegated(t)
			if !slices.Contains(controllers, "memory") {
				t.Skipf("the controllers here are %q", controllers)
			}
			e, l := sandboxed(t, `exec tail /dev/zero`)
			e.runner = u
			l = world(l)
			l.Limits.Memory = 64 << 20
			p, err := e.Start(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			if exit := wait(t, p); exit.Reason != ReasonOutOfMemory || exit.Code != -1 || !strings.Contains(exit.Error, "64 MiB") {
				t.Errorf("%+v", exit)
			}
		})
	}
}

// TestOutOfMemoryOutside: without a group of its own it is the host's counter that tells, and the
// limit of the launch is said not to hold.
func TestOutOfMemoryOutside(t *testing.T) {
	u, controllers := delegated(t)
	if !slices.Contains(controllers, "memory") {
		t.Skipf("the controllers here are %q", controllers)
	}
	if err := errors.Join(os.Chown(u.dir, 0, 0), os.WriteFile(u.dir+"/memory.max", []byte("100000000"), 0), os.WriteFile(u.dir+"/memory.swap.max", []byte("0"), 0)); err != nil {
		t.Fatal(err)
	}
	e, l := sandboxed(t, `exec tail /dev/zero`)
	e.runner, l.Limits.Memory = u, 64<<20
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.status.Unlimited, "not delegated") {
		t.Errorf("%+v", p.status)
	}
	if exit := wait(t, p); exit.Reason != ReasonOutOfMemory || !strings.Contains(exit.Error, "the host had no memory left") {
		t.Errorf("%+v", exit)
	}
}

// TestTooManyTasks needs a host whose pids controller is one of version 2.
func TestTooManyTasks(t *testing.T) {
	u, controllers := delegated(t)
	if !slices.Contains(controllers, "pids") {
		t.Skipf("the controllers here are %q", controllers)
	}
	e, l := sandboxed(t, `i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; exit 0`)
	e.runner, l.Limits.Tasks = u, 20
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code == 0 || !strings.Contains(output(t, l.Dir, Stderr), "fork") {
		t.Errorf("%+v", exit)
	}
}
