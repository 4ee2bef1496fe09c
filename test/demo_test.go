package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/need"
)

// TestDemo: the one command, as somebody who is not root.
func TestDemo(t *testing.T) {
	need.Python(t)
	need.Java(t)
	s := newScene(t)
	args := []string{s.CloudBin, "demo", "--once", "--agent", s.AgentBin}
	if os.Geteuid() == 0 {
		need.Tool(t, "sudo")
		user := need.OtherUser(t)
		args = append([]string{"sudo", "-n", "-u", user.Username, "env", "PATH=/usr/bin:/bin", "HOME=/tmp"}, args...)
	}
	out, err := exec.CommandContext(s.ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil || strings.Count(string(out), "succeeded ") != 5 || !strings.Contains(string(out), "the job did not notice") ||
		!strings.Contains(string(out), "all right: 2 Apps over 2 transports, and a self-update") {
		t.Errorf("demo: %v\n%s", err, out)
	}
}

// TestDemoSaysWhatIsMissing: on a host without Java, in one clear line.
func TestDemoSaysWhatIsMissing(t *testing.T) {
	python := need.Python(t)
	s := newScene(t)
	bin := filepath.Join(s.Dir, "only-python")
	s.must(os.Mkdir(bin, 0o755), "making a folder")
	s.must(os.Symlink(python, filepath.Join(bin, "python3")), "placing Python")
	cmd := exec.CommandContext(s.ctx, s.CloudBin, "demo", "--once", "--agent", s.AgentBin)
	cmd.Env = []string{"PATH=" + bin, "HOME=" + s.Dir}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `the demo needs Java: "java" is not installed`) {
		t.Errorf("demo without Java: %v\n%s", err, out)
	}
}
