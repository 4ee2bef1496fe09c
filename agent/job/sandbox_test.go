//go:build unix

package job

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// public is a copy of the test program that other users may execute, and a place for their jobs.
func public(t *testing.T) (exe, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "job")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(dir, "tcenvsvr")
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe, dir
}

// sandboxed is an executor and a launch for the user nobody.
func sandboxed(t *testing.T, script string) (*Executor, Launch) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	if out, err := exec.Command("sudo", "-n", "-u", "nobody", "/bin/true").CombinedOutput(); err != nil {
		t.Skipf("sudo -u nobody: %v: %s", err, out)
	}
	exe, dir := public(t)
	l := shell(t, script)
	l.Dir = filepath.Join(dir, strings.Repeat("deep", 40), "session-1")
	for _, sub := range []string{"in", "out", "log", "tmp"} {
		path := filepath.Join(l.Dir, sub)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, l.Dir} { // what the default ACL does on a real host
			if err := os.Chmod(p, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + l.Dir + "/tmp"}
	e, err := NewExecutor(Config{Exe: exe, Runner: Sudo{User: "nobody"}})
	if err != nil {
		t.Fatal(err)
	}
	return e, l
}

func TestSudo(t *testing.T) {
	e, l := sandboxed(t, `id -un; cat in/secret; stat -c %U:%a in/secret; trap "" TERM; sleep 1000 & echo > out/ready; sleep 1000`)
	l.Files = []File{{Path: "in/secret", Data: []byte("secret\n")}}
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endLeftovers(t, p) })
	await(t, l.Dir+"/out/ready")
	if p, err = e.Attach(l.Dir, Status{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonCancelled || exit.Killed == 0 {
		t.Errorf("%+v", exit)
	}
	nothingLeft(t, l.Dir)
	if got, want := output(t, l.Dir, Stdout), "nobody\nsecret\nnobody:600\n"; got != want {
		t.Errorf("stdout: %q, want %q", got, want)
	}
}

// TestSudoOutcome: what is put back, and the gathered log, are the sandbox user's and open to the
// agent.
func TestSudoOutcome(t *testing.T) {
	e, l := sandboxed(t, `umask 077
		( trap 'echo interrupted >out/message.tc; exit 1' TERM; echo >tmp/ready; while :; do sleep 0.02; done ) &
		until [ -e tmp/ready ]; do sleep 0.01; done
		echo line >log/Main.log; echo Success >out/message.tc`)
	l.Keep, l.Logs = []string{"out/message.tc"}, "log"
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endLeftovers(t, p) })
	if exit := wait(t, p); exit.Code != 0 || exit.Error != "" {
		t.Errorf("%+v", exit)
	}
	for name, want := range map[string]string{"out/message.tc": "Success\n", "shim/log": "==> Main.log <==\nline\n"} {
		info, err := os.Stat(filepath.Join(l.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(l.Dir, name))
		if err != nil || string(text) != want || info.Mode().Perm() != 0o660 {
			t.Errorf("%s: %v %q, %v", name, info.Mode(), text, err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid == 0 {
			t.Errorf("%s belongs to %d", name, st.Uid)
		}
	}
}

func TestSudoShimKilled(t *testing.T) {
	e, l := sandboxed(t, `(setsid sleep 1000 &); echo > out/ready; sleep 1000`)
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	await(t, l.Dir+"/out/ready")
	if err := syscall.Kill(p.Status().ShimPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonShimLost || exit.Killed == 0 {
		t.Errorf("%+v", exit)
	}
	nothingLeft(t, l.Dir)
}

func TestSudoRefused(t *testing.T) {
	if _, err := (Sudo{User: "nobody"}).command("/x"); err != nil {
		t.Skip(err)
	}
	for user, code := range map[string]string{"no-such-user-here": spec.CodeRefused, "-u": spec.CodeUser, "": spec.CodeUser} {
		l := shell(t, "true")
		e, err := NewExecutor(Config{Runner: Sudo{User: user}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Start(t.Context(), l)
		if got := startError(t, err); got.Code != code || !strings.Contains(got.Error(), user) {
			t.Errorf("user %q: got %q: %v, want %q", user, got.Code, got, code)
		}
	}
}

// TestStranger: another user may not cancel, even if he knows the address.
func TestStranger(t *testing.T) {
	linuxOnly(t)
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	exe, dir := public(t)
	l := shell(t, `exec sleep 1000`)
	l.Dir = filepath.Join(dir, "session-1")
	if err := os.Mkdir(l.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	p := start(t, l)
	stranger := exec.Command(exe, "test-stranger", p.Status().Token)
	stranger.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := stranger.CombinedOutput(); err != nil || !strings.Contains(string(out), "EOF") && !strings.Contains(string(out), "reset") && !strings.Contains(string(out), "broken") {
		t.Errorf("the stranger was told %q, %v", out, err)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, p)
}

// strangerMain tries to cancel a job of another user and prints what it is told.
func strangerMain() int {
	c, err := net.Dial("unix", "@tcenvsvr/shim/"+os.Args[2])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = c.Write([]byte("cancel\n"))
	if err == nil {
		_, err = bufio.NewReader(c).ReadString('\n')
	}
	fmt.Println("told:", err)
	return 0
}

// What an App makes for itself alone can be read by the folder's group when the job has ended; what
// is not its own is left as it is.
func TestWhatAnAppLeavesIsShared(t *testing.T) {
	e, l := sandboxed(t, `umask 077; mkdir out/deep; echo found > out/deep/file; ln -s /etc/shadow out/link`)
	p, err := e.Start(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if exit, err := p.Wait(t.Context()); err != nil || exit.Code != 0 {
		t.Fatalf("Wait = %+v, %v", exit, err)
	}
	for name, want := range map[string]os.FileMode{"out/deep": 0o770, "out/deep/file": 0o660} {
		info, err := os.Stat(filepath.Join(l.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v; want %v", name, got, want)
		}
	}
	if info, err := os.Stat("/etc/shadow"); err == nil && info.Mode().Perm()&0o007 != 0 {
		t.Errorf("/etc/shadow has mode %v", info.Mode())
	}
}
