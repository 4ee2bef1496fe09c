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
	p, err := e.Attach(l.Dir, Status{})
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
	if _, err := e.Attach(l.Dir, Status{}); !errors.Is(err, ErrNotRunning) {
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

// TestNobodyListens: the agent dies between its Go and the answer.
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
	shim.Stdin, shim.Stdout = bytes.NewReader(append(request, spec.Go...)), w
	err = shim.Run()
	_ = w.Close()
	if err != nil {
		t.Errorf("the shim: %v", err)
	}
	if exit, ok, err := ReadExit(l.Dir); err != nil || !ok || exit.Code != 4 {
		t.Errorf("recorded: %+v, %v, %v", exit, ok, err)
	}
}

// TestIdentity: a process that has the shim's number is not the shim.
func TestIdentity(t *testing.T) {
	l := shell(t, "exec sleep 1000")
	p := start(t, l)
	// The shim writes its state once more just after it has answered.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if s, err := spec.ReadStatus(l.Dir); err == nil && s.State == spec.Running {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the shim's state never says that the App runs")
		}
	}
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
		if _, err := newExecutor(t).Attach(l.Dir, Status{}); !errors.Is(err, ErrNotRunning) {
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
