package host

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestBoot boots the bare machine: it is what the other tests take it for.
func TestBoot(t *testing.T) {
	h := Boot(t, root(t))
	if got := strings.TrimSpace(h.Run("cat", "/proc/1/comm")); got != "systemd" {
		t.Errorf("PID 1 is %q; want systemd", got)
	}
	if got := strings.TrimSpace(h.Run("rpm", "-q", "--whatprovides", "java-17-headless")); got != "debian-as-el-9-1.noarch" {
		t.Errorf("rpm finds java-17-headless in %q; want debian-as-el", got)
	}
	h.Run("java", "-version")
	h.Run("python3", "-c", "import ssl, json")
	h.Refused([]string{"Password"}, "runuser", "-u", "alice", "--", "su", "bob", "-c", "true")
	if left := strings.TrimSpace(h.Run("ip", "-brief", "address", "show", "dev", "eth0")); !strings.Contains(left, Address) {
		t.Errorf("eth0 is %q; want it to have %s", left, Address)
	}
	var exit *exec.ExitError
	if _, err := h.Try("false"); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("false inside: %v; want exit status 1", err)
	}
}
