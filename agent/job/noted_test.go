//go:build unix

package job

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// TestNoted: the start is noted before the App is executed, and with whom to look for.
func TestNoted(t *testing.T) {
	l := shell(t, "echo > out/ran; exec sleep 1000")
	var noted Status
	p, err := newExecutor(t).StartNoted(t.Context(), l, func(s Status) error {
		noted = s
		time.Sleep(100 * time.Millisecond) // an App that does not wait would have run by now
		if _, err := os.Stat(l.Dir + "/out/ran"); err == nil {
			t.Error("the App ran before its start was noted")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, l.Dir+"/out/ran")
	for name, damage := range map[string]func(path string) error{
		"emptied": func(path string) error { return os.WriteFile(path, nil, 0o660) },
		"a lie":   func(path string) error { return os.WriteFile(path, []byte(`{"state":"running","shim_pid":2}`), 0o660) },
		"deleted": os.Remove,
	} { // the note is enough, whatever the folder says
		if err := damage(filepath.Join(l.Dir, "shim", spec.StateFile)); err != nil {
			t.Fatal(err)
		}
		found, err := newExecutor(t).Attach(l.Dir, noted)
		if err != nil || found.Status().ShimPID != p.Status().ShimPID {
			t.Errorf("%s: Attach: %v", name, err)
		}
	}
	found, err := newExecutor(t).Attach(l.Dir, noted)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, found); exit.Reason != ReasonCancelled {
		t.Errorf("%+v", exit)
	}
}

// TestNotNoted: what could not be noted is not started, and its folder says so.
func TestNotNoted(t *testing.T) {
	l := shell(t, "echo > out/ran")
	l.Files = []File{{Path: "in/secret", Data: []byte("secret")}}
	cause := errors.New("the disk is sick")
	_, err := newExecutor(t).StartNoted(t.Context(), l, func(Status) error { return cause })
	if got := startError(t, err); got.Code != spec.CodeGivenUp || !errors.Is(err, cause) {
		t.Errorf("Start: %q: %v", got.Code, got)
	}
	neverRan(t, l)
}

func neverRan(t *testing.T, l Launch) {
	t.Helper()
	exit, ok, err := ReadExit(l.Dir)
	if err != nil || !ok || exit.Reason != ReasonGivenUp {
		t.Errorf("recorded: %+v, %v, %v", exit, ok, err)
	}
	for _, name := range []string{"out/ran", "in/secret"} {
		if _, err := os.Stat(filepath.Join(l.Dir, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}

// TestAgentDiesBeforeGo: its shim hears the end and starts nothing.
func TestAgentDiesBeforeGo(t *testing.T) {
	l := shell(t, "echo > out/ran")
	l.Files = []File{{Path: "in/secret", Data: []byte("secret")}}
	h, err := newExecutor(t).startShim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request, err := spec.Encode(spec.Request{Op: spec.OpStart, Launch: &l})
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := h.ask(t.Context(), request, true); err != nil || reply.Status == nil {
		t.Fatalf("%+v, %v", reply, err)
	}
	_ = h.in.Close()
	h.awaitEnd()
	neverRan(t, l)
}

// TestOneStartInAFolder: a second one is refused.
func TestOneStartInAFolder(t *testing.T) {
	l := shell(t, "true")
	run(t, l)
	_, err := newExecutor(t).Start(t.Context(), l)
	if got := startError(t, err); got.Code != spec.CodeClaimed {
		t.Errorf("Start: %q: %v", got.Code, got)
	}
}

// TestCopiedFolder: who finds a job in a copy of its folder has nothing to end.
func TestCopiedFolder(t *testing.T) {
	linuxOnly(t)
	l := shell(t, "echo > out/ran; exec sleep 1000")
	p := start(t, l)
	await(t, l.Dir+"/out/ran")
	dir := filepath.Join(t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", l.Dir, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	e := newExecutor(t)
	for name, known := range map[string]Status{"by its record": {}, "by a copied note": p.Status()} {
		if _, err := e.Attach(dir, known); !errors.Is(err, ErrCopied) || !errors.Is(err, ErrNotRunning) {
			t.Errorf("Attach %s: %v", name, err)
		}
	}
	if err := e.Reap(t.Context(), dir, Status{}); err != nil {
		t.Error(err)
	}
	if !p.alive() {
		t.Fatal("the original was ended")
	}
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, p)
}

// lateRunner is a sudo that takes its time and cannot be killed by the agent.
type lateRunner struct{ Direct }

func (lateRunner) startShim(_ context.Context, exe string) (*startedShim, error) {
	script := `exec 3<&0; (sleep 3; "$@" <&3; echo $? > "$DONE") &`
	cmd := exec.Command("/bin/sh", "-c", script, "late", exe, ShimCommand)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "DONE=" + os.Getenv("DONE")}
	return startCommand(cmd)
}

// TestMuteShim: an App that may have been started, and whose shim did not say so, does not run on
// while its order has ended.
func TestMuteShim(t *testing.T) {
	linuxOnly(t)
	l := shell(t, "echo yes > out/ran; exec sleep 1000")
	e := newExecutor(t)
	e.runner = firstMute{first: new(sync.Once), ran: filepath.Join(l.Dir, "out/ran")}
	_, err := e.Start(t.Context(), l)
	if got := startError(t, err); got.Code != spec.CodeShim || !got.Doubt {
		t.Errorf("Start: %q, in doubt %v: %v", got.Code, got.Doubt, got)
	}
	nothingLeft(t, l.Dir)
}

// firstMute starts first a shim that nobody hears after its first word and the App's start, and
// good ones afterwards.
type firstMute struct {
	Direct
	first *sync.Once
	ran   string // a file that the App makes
}

func (r firstMute) startShim(ctx context.Context, exe string) (h *startedShim, err error) {
	r.first.Do(func() {
		cmd := exec.Command("/bin/sh", "-c", `exec 3<&0; "$@" <&3 3<&- | (head -n 1; until [ -s "$RAN" ]; do sleep 0.01; done) & exec 3<&-`, "mute", exe, ShimCommand)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "RAN=" + r.ran}
		h, err = startCommand(cmd)
	})
	if h == nil && err == nil {
		h, err = r.Direct.startShim(ctx, exe)
	}
	return h, err
}

// TestLateShim: a start that was given up does not happen later.
func TestLateShim(t *testing.T) {
	l := shell(t, "echo > out/ran")
	t.Setenv("DONE", filepath.Join(l.Dir, "done"))
	e, err := NewExecutor(Config{Runner: lateRunner{}})
	if err != nil {
		t.Fatal(err)
	}
	// Long enough for a shell to start on a busy machine, shorter than its sleep.
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
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
