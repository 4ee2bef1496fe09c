//go:build unix

package job

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func linuxOnly(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("without a subreaper, what leaves the session is not found on this system")
	}
}

func TestCancel(t *testing.T) {
	l := shell(t, "echo ready > out/ready; exec sleep 1000")
	l.Grace = time.Minute
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	for range 3 { // as often as you like
		if err := p.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	exit := wait(t, p)
	if exit.Reason != ReasonCancelled || exit.Signal != "SIGTERM" || exit.Killed != 0 {
		t.Errorf("%+v", exit)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Errorf("cancelling what has ended: %v", err)
	}
	if again := wait(t, p); again != exit {
		t.Errorf("the second Wait says %+v, the first %+v", again, exit)
	}
}

// TestCancelTree: TERM reaches everything, HUP nothing, and what ignores TERM is killed, in its own
// session or not.
func TestCancelTree(t *testing.T) {
	linuxOnly(t)
	l := shell(t, `
		trap 'echo hup > out/hup' HUP
		sh -c 'trap "echo heard > out/heard; exit" TERM; echo > out/1; while :; do sleep 0.01; done' &
		trap "" TERM
		setsid sh -c 'echo > out/2; sleep 1000' &
		(setsid sh -c 'sleep 1000 & echo > out/3; sleep 1000' &)
		while :; do sleep 1000; done`)
	p := start(t, l)
	for _, name := range []string{"1", "2", "3"} {
		await(t, l.Dir+"/out/"+name)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	exit := wait(t, p)
	nothingLeft(t, l.Dir)
	if exit.Reason != ReasonCancelled || exit.Signal != "SIGKILL" || exit.Killed < 3 {
		t.Errorf("%+v", exit)
	}
	if got := await(t, l.Dir+"/out/heard"); got != "heard" {
		t.Errorf("TERM was not heard: %q", got)
	}
	if _, err := os.Stat(l.Dir + "/out/hup"); err == nil {
		t.Error("HUP was sent")
	}
}

// TestDaemons: the App ends well and leaves processes that detached themselves.
func TestDaemons(t *testing.T) {
	linuxOnly(t)
	l := shell(t, `
		setsid sh -c '(trap "" TERM HUP; echo > out/1; sleep 1000) & trap "echo bye > out/bye; exit" TERM; echo > out/2; while :; do sleep 0.01; done' > /dev/null 2>&1 &
		while [ ! -s out/1 ] || [ ! -s out/2 ]; do sleep 0.01; done
		echo done; exit 3`)
	exit := run(t, l)
	nothingLeft(t, l.Dir)
	if exit.Code != 3 || exit.Reason != "" || exit.Killed < 2 {
		t.Errorf("%+v", exit)
	}
	await(t, l.Dir+"/out/bye")
	if got := output(t, l.Dir, Stdout); got != "done\n" {
		t.Errorf("stdout: %q", got)
	}
}

// TestForkBomb: processes that fork into new sessions and end, faster than anybody can list them,
// among two hundred others.
func TestForkBomb(t *testing.T) {
	linuxOnly(t)
	l := shell(t, `
		for i in $(seq 200); do sleep 1000 & done
		for i in $(seq 8); do setsid sh in/comet & done
		echo > out/ready; wait; sleep 1000`)
	comet := "setsid sh in/comet > /dev/null 2>&1 &\n"
	if err := os.WriteFile(filepath.Join(l.Dir, "in/comet"), []byte(comet), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	exit := wait(t, p)
	nothingLeft(t, l.Dir)
	if exit.Reason != ReasonCancelled || exit.Killed < 8 {
		t.Errorf("%+v", exit)
	}
}

func TestStoppedApp(t *testing.T) {
	l := shell(t, `trap 'exit 5' TERM; echo > out/ready; kill -STOP $$; while :; do sleep 0.01; done`)
	l.Grace = time.Minute
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code != 5 {
		t.Errorf("%+v", exit)
	}
}

// TestGigabyte: neither the disk nor the App notices.
func TestGigabyte(t *testing.T) {
	const size = 1_000_000_000
	l := shell(t, fmt.Sprintf("head -c %d /dev/zero; echo the end", size))
	l.MaxOutput = 1 << 20
	begun := time.Now()
	exit := run(t, l)
	t.Logf("1 GB in %v", time.Since(begun))
	if want := (Output{Written: size + 8, Kept: 1<<20 + 64<<10}); exit.Code != 0 || exit.Stdout != want {
		t.Errorf("%+v, want %+v", exit, want)
	}
	got := output(t, l.Dir, Stdout)
	if !strings.HasSuffix(got, "\x00the end\n") || !strings.Contains(got, "bytes of output left out here") {
		t.Errorf("the end is %q", got[len(got)-20:])
	}
	if len(got) > 1<<20+64<<10+100 {
		t.Errorf("the file has %d bytes", len(got))
	}
}

// TestFirstThreadEnds: a process whose first thread has ended looks like a zombie and runs on. It
// hears TERM, is killed, and is found by Reap when it has killed its shim.
func TestFirstThreadEnds(t *testing.T) {
	linuxOnly(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	headless := `
import ctypes, os, signal, sys, threading, time
if sys.argv[1] == "daemon":
    if os.fork():
        while not os.path.exists("out/ready"): time.sleep(0.01)
        os._exit(0)
    os.setsid()
def run():
    while open("/proc/self/stat").read().rsplit(")", 1)[1].split()[0] != "Z": time.sleep(0.01)
    open("out/ready", "w").write("%d\n" % os.getpid())
    time.sleep(1000)
threading.Thread(target=run).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)
`
	for how, want := range map[string]string{"app": ReasonCancelled, "daemon": "", "late": ReasonTimedOut} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			l := shell(t, "")
			l.Argv = []string{python, "-c", headless, how}
			if how == "late" {
				l.Timeout = 2 * time.Second
			}
			p := start(t, l)
			await(t, l.Dir+"/out/ready")
			if how == "app" {
				if err := p.Cancel(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if exit := wait(t, p); exit.Reason != want {
				t.Errorf("%+v", exit)
			}
			ended(t, l)
		})
	}
	t.Run("vandal", func(t *testing.T) {
		l := shell(t, "")
		l.Argv = []string{python, "-c", `import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], "daemon"], start_new_session=True).wait()
import os
while not os.path.exists("out/ready"): time.sleep(0.01)
os.kill(os.getppid(), 9)`, headless}
		p := start(t, l)
		if exit := wait(t, p); exit.Reason != ReasonShimLost {
			t.Errorf("%+v", exit)
		}
		ended(t, l)
	})
}

// ended waits until the process that wrote out/ready is gone, or a zombie with no thread but its
// first.
func ended(t *testing.T, l Launch) {
	t.Helper()
	pid, err := strconv.Atoi(await(t, l.Dir+"/out/ready"))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil || len(threads) < 2 {
			return
		}
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d lives", pid)
		}
	}
}
