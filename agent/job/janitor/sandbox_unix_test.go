//go:build unix

package janitor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// clearAs empties a folder as another user.
func clearAs(uid uint32, dir string) error {
	cmd := exec.Command("/bin/sh", "-c", `cd -- "$1" && { chmod -R u+rwX .; find . -mindepth 1 -delete; } 2>/dev/null; :`, "sh", dir)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd.Run()
}

const (
	agentUID, sandboxUID = 64001, 64002
	helperVariable       = "JANITOR_TEST_DIR"
)

func TestMake(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "s.1")
	for range 2 { // also where it is there already
		if err := Make(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range append([]string{""}, Folders...) {
		info, err := os.Stat(filepath.Join(dir, d))
		if err != nil || info.Mode() != mode|os.ModeDir {
			t.Errorf("%q: got %v, %v", d, info.Mode(), err)
		}
	}
}

// An agent that is not root meets what the sandbox user left behind.
func TestSweepRemovesWhatIsTheSandboxUsers(t *testing.T) {
	if dir := os.Getenv(helperVariable); dir != "" {
		helper(t, dir)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to be two users")
	}
	base, err := os.MkdirTemp("", "janitor-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	jobs := filepath.Join(base, "jobs")
	dir := made(t, base, "jobs", 0) // any tree
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(jobs, 0o770); err != nil {
		t.Fatal(err)
	}
	session := made(t, jobs, "s.1", 0)
	left := filepath.Join(session, "out", "left")
	closed := filepath.Join(session, "tmp", "closed", "deep")
	steps := []error{
		os.Chmod(base, 0o755), os.Chown(jobs, agentUID, sandboxUID), os.Chmod(jobs, mode),
		os.Chown(session, agentUID, sandboxUID), os.Mkdir(left, 0o700), os.MkdirAll(closed, 0o700),
		os.WriteFile(filepath.Join(left, ".hidden"), nil, 0o600), os.WriteFile(filepath.Join(closed, "f"), nil, 0o400),
	}
	for _, d := range Folders {
		steps = append(steps, os.Chown(filepath.Join(session, d), agentUID, sandboxUID), os.Chmod(filepath.Join(session, d), mode))
	}
	steps = append(steps, os.Chmod(session, mode))
	for _, f := range []string{left, filepath.Join(left, ".hidden"), filepath.Join(session, "tmp", "closed"), closed, filepath.Join(closed, "f")} {
		steps = append(steps, os.Chown(f, sandboxUID, sandboxUID))
	}
	steps = append(steps, os.Chmod(left, 0o500), os.Chmod(closed, 0o000))
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(base, "test") // the original may lie where only root goes
	if data, err := os.ReadFile(os.Args[0]); err != nil || os.WriteFile(exe, data, 0o755) != nil {
		t.Fatal(err)
	}
	// Both ids for the helper: it is the agent, and changes to the sandbox user as sudo would let
	// it.
	cmd := exec.Command(exe, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir = base
	cmd.Env = []string{helperVariable + "=" + jobs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: agentUID, Gid: agentUID, Groups: []uint32{sandboxUID}}}
	requests, answers, err := sandbox(t)
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{requests, answers}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := names(t, jobs); len(got) != 0 {
		t.Errorf("left: %q\n%s", got, out)
	}
}

// sandbox serves requests to empty a folder as the sandbox user: sudo's part. It returns the
// helper's ends of two pipes.
func sandbox(t *testing.T) (requests, answers *os.File, err error) {
	in, requests, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	answers, out, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		var dir string
		if _, err := fmt.Fscanln(in, &dir); err == nil {
			err = clearAs(sandboxUID, dir)
			_, _ = fmt.Fprintln(out, err)
		}
	}()
	t.Cleanup(func() {
		for _, f := range []*os.File{in, out, requests, answers} {
			_ = f.Close()
		}
	})
	return requests, answers, nil
}

// helper is the agent.
func helper(t *testing.T, jobs string) {
	never := func(string) bool { return false }
	if err := (Janitor{Dir: jobs}).Sweep(t.Context(), Bounds{Age: 0}, never); err == nil {
		t.Error("removed without the sandbox user")
	}
	j := Janitor{Dir: jobs, RemoveAs: func(_ context.Context, dir string) error {
		if _, err := fmt.Fprintln(os.NewFile(3, "requests"), dir); err != nil {
			return err
		}
		var answer string
		if _, err := fmt.Fscanln(os.NewFile(4, "answers"), &answer); err != nil || answer != "<nil>" {
			return fmt.Errorf("got %q, %w", answer, err)
		}
		return nil
	}}
	// The name is another one by now, and its age no reason to wait.
	if err := j.Sweep(t.Context(), Bounds{Age: 24 * time.Hour}, never); err != nil {
		t.Error(err)
	}
}
