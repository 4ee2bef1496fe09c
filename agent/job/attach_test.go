//go:build unix

package job

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// runAgent runs a launch by an agent of its own process and returns it.
func runAgent(t *testing.T, l Launch) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "test-agent")
	in, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
		t.Fatalf("the agent says %q, %v", line, err)
	}
	return cmd
}

func TestAgentKilled(t *testing.T) {
	l := shell(t, `echo before; while [ ! -s in/go ]; do sleep 0.01; done; echo after; echo oops >&2; exit 7`)
	agent := runAgent(t, l)
	_ = agent.Process.Kill()
	_ = agent.Wait()
	e := newExecutor(t)
	p, err := e.Attach(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Status(); s.State == spec.Running && s.AppPID == 0 || s.ShimPID == 0 || s.BootID != proc.BootID() {
		t.Errorf("status: %+v", s)
	}
	if err := os.WriteFile(filepath.Join(l.Dir, "in/go"), []byte("go"), 0o600); err != nil {
		t.Fatal(err)
	}
	exit := wait(t, p)
	if exit.Code != 7 || exit.StderrTail != "oops\n" {
		t.Errorf("%+v", exit)
	}
	if got := output(t, l.Dir, Stdout); got != "before\nafter\n" {
		t.Errorf("stdout: %q", got)
	}
	awaitEnd(t, p) // the shim tells the end before it makes it durable
	if _, err := e.Attach(l.Dir); !errors.Is(err, ErrNotRunning) || errors.Is(err, ErrNeverStarted) {
		t.Errorf("attaching to what has ended: %v", err)
	}
	if again, ok, err := ReadExit(l.Dir); err != nil || !ok || again != exit {
		t.Errorf("recorded: %+v, %v, %v, want %+v", again, ok, err, exit)
	}
}

// awaitEnd waits for the shim's own end.
func awaitEnd(t *testing.T, p *Process) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); p.alive(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the shim does not end")
		}
	}
}

// TestTimeoutWithoutAgent: the shim needs nobody to end a job.
func TestTimeoutWithoutAgent(t *testing.T) {
	l := shell(t, "exec sleep 1000")
	l.Timeout = 300 * time.Millisecond
	agent := runAgent(t, l)
	_ = agent.Process.Kill()
	_ = agent.Wait()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if exit, ok, err := ReadExit(l.Dir); ok || err != nil || time.Now().After(deadline) {
			if exit.Reason != ReasonTimedOut || err != nil {
				t.Errorf("%+v, %v", exit, err)
			}
			break
		}
	}
	nothingLeft(t, l.Dir)
}

// TestNobodyListens: the agent dies between the request and the answer.
func TestNobodyListens(t *testing.T) {
	l := shell(t, "sleep 0.1; exit 4")
	request, err := spec.Encode(spec.Request{Op: spec.OpStart, Launch: &l})
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	shim := exec.Command(os.Args[0], "job-shim")
	shim.Stdin, shim.Stdout = bytes.NewReader(request), w
	err = shim.Run()
	_ = w.Close()
	if err != nil {
		t.Errorf("the shim: %v", err)
	}
	if exit, ok, err := ReadExit(l.Dir); err != nil || !ok || exit.Code != 4 {
		t.Errorf("recorded: %+v, %v, %v", exit, ok, err)
	}
}

// TestShimKilled: the App dies with it, its descendants are found, and the
// outcome is unknown. in/secret goes, too.
func TestShimKilled(t *testing.T) {
	linuxOnly(t)
	for _, attached := range []bool{false, true} {
		l := shell(t, `
			trap "" TERM
			sh -c 'echo > out/1; sleep 1000' &
			(setsid sh -c 'echo > out/2; sleep 1000' &)
			sleep 1000`)
		l.Files = []File{{Path: "in/secret", Data: []byte("secret")}}
		p := start(t, l)
		await(t, l.Dir+"/out/1")
		await(t, l.Dir+"/out/2")
		if attached {
			var err error
			if p, err = newExecutor(t).Attach(l.Dir); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Kill(p.Status().ShimPID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		exit := wait(t, p)
		if exit.Reason != ReasonShimLost || exit.Code != -1 || exit.Killed < 2 {
			t.Errorf("%+v", exit)
		}
		nothingLeft(t, l.Dir)
		if _, err := os.Stat(l.Dir + "/in/secret"); err == nil {
			t.Error("the secret file is still there")
		}
		if _, err := newExecutor(t).Attach(l.Dir); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Attach: %v", err)
		}
	}
}

// TestReapSpares: a process that merely looks into the job's folder lives.
func TestReapSpares(t *testing.T) {
	linuxOnly(t)
	l := shell(t, "exec sleep 1000")
	p := start(t, l)
	bystander := exec.Command("/bin/sleep", "1000")
	bystander.Dir = l.Dir // sets PWD as well
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.e.Reap(t.Context(), l.Dir); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonShimLost {
		t.Errorf("%+v", exit)
	}
	if err := bystander.Process.Kill(); err != nil {
		t.Errorf("the bystander: %v", err)
	}
	if err := bystander.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the bystander: %v", err)
	}
}

// TestIdentity: a process that has the shim's number is not the shim.
func TestIdentity(t *testing.T) {
	l := shell(t, "exec sleep 1000")
	p := start(t, l)
	for name, change := range map[string]func(*Status){
		"start time": func(s *Status) { s.ShimStart-- },
		"boot":       func(s *Status) { s.BootID = "another" },
		"number":     func(s *Status) { s.ShimPID = os.Getpid() },
	} {
		s := p.Status()
		change(&s)
		data, _ := spec.Encode(s)
		if err := os.WriteFile(filepath.Join(l.Dir, "shim/state"), data, 0o660); err != nil {
			t.Fatal(err)
		}
		if _, err := newExecutor(t).Attach(l.Dir); !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: Attach: %v", name, err)
		}
	}
	if err := p.Cancel(t.Context()); err != nil { // this one knows better than the file
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonCancelled {
		t.Errorf("%+v", exit)
	}
}

func TestNeverStarted(t *testing.T) {
	l := shell(t, "echo > out/ran")
	e := newExecutor(t)
	for range 2 {
		if _, err := e.Attach(l.Dir); !errors.Is(err, ErrNeverStarted) || !errors.Is(err, ErrNotRunning) {
			t.Errorf("Attach: %v", err)
		}
	}
	_, err := e.Start(t.Context(), l)
	if got := startError(t, err); got.Code != spec.CodeClaimed {
		t.Errorf("Start: %q: %v", got.Code, got)
	}
	if err := e.Reap(t.Context(), l.Dir); err != nil {
		t.Errorf("Reap: %v", err)
	}
	if _, err := e.Attach(filepath.Join(l.Dir, "none")); !errors.Is(err, ErrNeverStarted) {
		t.Errorf("Attach without a folder: %v", err)
	}
}

// lateRunner is a sudo that takes its time and cannot be killed by the agent.
type lateRunner struct{}

func (lateRunner) Command(_ context.Context, exe string, args ...string) (*exec.Cmd, error) {
	script := `exec 3<&0; (sleep 0.4; "$@" <&3; echo $? > "$DONE") &`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "late", exe}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "DONE=" + os.Getenv("DONE")}
	return cmd, nil
}

// TestLateShim: a start that was given up does not happen later.
func TestLateShim(t *testing.T) {
	l := shell(t, "echo > out/ran")
	t.Setenv("DONE", filepath.Join(l.Dir, "done"))
	e, err := NewExecutor(Config{Runner: lateRunner{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = e.Start(ctx, l)
	if got := startError(t, err); got.Code != spec.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Start: %q: %v", got.Code, got)
	}
	if got := await(t, filepath.Join(l.Dir, "done")); got != "1" {
		t.Errorf("the late shim ended with %q", got)
	}
	if _, err := os.Stat(l.Dir + "/out/ran"); err == nil {
		t.Error("the App ran")
	}
}

func TestWaitEndsWithContext(t *testing.T) {
	l := shell(t, "exec sleep 1000")
	p := start(t, l)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v", err)
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, p)
}

// TestSecrets: they are where they must be and nowhere else.
func TestSecrets(t *testing.T) {
	linuxOnly(t)
	const secret = "hunter2-very-secret"
	l := shell(t, "exec sleep 1000")
	l.Env = append(l.Env, "TC_APP_PARAM_KEY="+secret)
	l.Files = []File{{Path: "in/params", Data: []byte(secret)}}
	p := start(t, l)
	defer func() {
		_ = p.Cancel(t.Context())
		wait(t, p)
	}()
	for _, path := range []string{"cmdline", "environ", "status"} {
		data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Status().ShimPID), path))
		if err != nil || strings.Contains(string(data), secret) {
			t.Errorf("%s of the shim: %q, %v", path, data, err)
		}
	}
	files, _ := os.ReadDir(filepath.Join(l.Dir, "shim"))
	for _, f := range files {
		if data, _ := os.ReadFile(filepath.Join(l.Dir, "shim", f.Name())); strings.Contains(string(data), secret) {
			t.Errorf("%s: %q", f.Name(), data)
		}
	}
}
