package control

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMain lets the test binary be a caller of another user.
func TestMain(m *testing.M) {
	if path := os.Getenv("CONTROL_TEST_CALL"); path != "" {
		if Call(context.Background(), path, "GET", "status", nil, nil) == nil {
			os.Exit(0)
		}
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// Even where the socket's mode lets everybody in.
func TestAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	dir := folder(t)
	path := filepath.Join(dir, "sock")
	serve(t, path, Handlers{"GET status": Do(func() {})})
	for name, mode := range map[string]os.FileMode{dir: 0o755, path: 0o666} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	exe := filepath.Join(dir, "caller")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, text, 0o755); err != nil {
		t.Fatal(err)
	}
	call := func(uid uint32) int {
		c := exec.Command(exe)
		c.Dir = dir
		c.Env = append(os.Environ(), "CONTROL_TEST_CALL="+path)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		_ = c.Run()
		return c.ProcessState.ExitCode()
	}
	if code := call(0); code != 0 {
		t.Fatalf("root: exit code %d", code)
	}
	if code := call(65534); code != 3 {
		t.Errorf("nobody: exit code %d; want 3", code)
	}
}
