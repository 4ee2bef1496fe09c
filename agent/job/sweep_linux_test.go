package job

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/proc"
)

// grouped is Sudo in the control group of a service, as under systemd.
type grouped struct {
	Sudo
	procs string
}

func (g grouped) startShim(_ context.Context, exe string) (*startedShim, error) {
	cmd, err := g.command(exe)
	if err != nil {
		return nil, err
	}
	cmd.Args = append([]string{"/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, g.procs}, cmd.Args...)
	cmd.Path = cmd.Args[0]
	return startCommand(cmd)
}

// serviceGroup makes a control group in systemd's hierarchy.
func serviceGroup(t *testing.T) (procs string) {
	t.Helper()
	name := fmt.Sprintf("tcenvsvr-test-%d.service", os.Getpid())
	for _, root := range []string{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		dir := filepath.Join(root, proc.Group(os.Getpid()), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Skipf("making a control group: %v", err)
		}
		t.Cleanup(func() {
			for range 100 { // what was killed may still be on its way out
				if os.Remove(dir) == nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Errorf("%q is still used", dir)
		})
		return filepath.Join(dir, "cgroup.procs")
	}
	t.Skip("no control groups of systemd's are mounted here")
	return ""
}

// TestSweep: what an App has hidden before it killed its shim is ended, and nothing of another job
// of the same user, or of that user's own.
func TestSweep(t *testing.T) {
	hides := `(setsid env -i /bin/sh -c 'echo $$ >"$0"; exec sleep 1000' "$PWD/out/daemon" &)
		until [ -s out/daemon ]; do sleep 0.01; done
		until [ -s in/go ]; do sleep 0.01; done
		`
	e, l := sandboxed(t, hides+`kill -9 $PPID; exec sleep 1000`)
	e.runner = grouped{Sudo{User: "nobody"}, serviceGroup(t)}
	beside := l
	beside.Dir = filepath.Join(filepath.Dir(l.Dir), "session-2")
	if out, err := exec.Command("cp", "-a", l.Dir, beside.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	beside.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + beside.Dir + "/tmp"}
	beside.Argv = []string{"/bin/sh", "-c", hides + "exec sleep 1000"}
	stranger := exec.Command("sudo", "-n", "-u", "nobody", "sleep", "1000")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = exec.Command("kill", strconv.Itoa(stranger.Process.Pid)).Run(); _ = stranger.Wait() })
	var daemons [2]int
	var jobs [2]*Process
	for i, launch := range []Launch{l, beside} {
		var err error
		if jobs[i], err = e.Start(t.Context(), launch); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { endLeftovers(t, jobs[i]) })
		if daemons[i], err = strconv.Atoi(await(t, launch.Dir+"/out/daemon")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(l.Dir, "in/go"), []byte("go"), 0o644); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, jobs[0]); exit.Reason != ReasonShimLost {
		t.Fatalf("%+v", exit)
	}
	if syscall.Kill(daemons[0], 0) != nil {
		t.Fatal("the daemon is found without a sweep: this test shows nothing")
	}
	if n, err := e.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("ended %d, %v; want the daemon", n, err)
	}
	for deadline := time.Now().Add(30 * time.Second); alive(daemons[0]); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the daemon lives")
		}
	}
	for name, pid := range map[string]int{"the daemon of another job": daemons[1], "a stranger": stranger.Process.Pid} {
		if !alive(pid) {
			t.Errorf("%s was ended", name)
		}
	}
	if err := jobs[1].Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, jobs[1]); exit.Reason != ReasonCancelled {
		t.Errorf("the other job: %+v", exit)
	}
}

// alive: a zombie is none.
func alive(pid int) bool {
	id, err := proc.Of(pid)
	return err == nil && proc.Alive(id)
}
