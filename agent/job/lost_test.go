//go:build unix

package job

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestShimKilled: the App dies with it, its descendants are found, and the outcome is unknown.
// in/secret goes, too.
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
			if p, err = newExecutor(t).Attach(l.Dir, Status{}); err != nil {
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
		if _, err := newExecutor(t).Attach(l.Dir, Status{}); !errors.Is(err, ErrNotRunning) {
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
	if err := p.e.Reap(t.Context(), l.Dir, Status{}); err != nil {
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
