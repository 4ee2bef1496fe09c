package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// Owner is whom a machine belongs to: a test, or a benchmark.
type Owner interface {
	Helper()
	Cleanup(func())
	TempDir() string
	Context() context.Context
	Failed() bool
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Host is a running machine. It ends with its owner, and everything that was changed on it goes.
type Host struct {
	Network        // where a cloud can be
	Share   string // this folder is /share inside
	t       Owner
	pid     int // of its PID 1, as seen from here
	cgroup  string
	apart   bool // it has a user namespace of its own
}

// Needs skips the test where no machine can be booted; in CI it fails.
func Needs(t testing.TB) {
	t.Helper()
	need.Root(t)
	for _, tool := range []string{"systemd-nspawn", "mmdebstrap", "nsenter", "ip", "mount"} {
		need.Tool(t, tool)
	}
}

// timeout bounds a boot; only a hang reaches it.
const timeout = 2 * time.Minute

// Boot starts a machine from the root file system. Each edit may change its files before it starts.
func Boot(t Owner, root string, edits ...func(root string)) *Host {
	t.Helper()
	return boot(t, root, false, edits)
}

// BootApart is Boot with a user namespace of the machine's own, in which all users have the numbers
// that they have here. Limits of namespaces (user.max_…) can be set in there without touching ours.
func BootApart(t Owner, root string, edits ...func(root string)) *Host {
	t.Helper()
	return boot(t, root, true, edits)
}

func boot(t Owner, root string, apart bool, edits []func(root string)) *Host {
	t.Helper()
	dir, err := os.MkdirTemp("", "tchost")
	must(t, err, "making a folder for the machine")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &Host{Share: filepath.Join(dir, "share"), t: t, apart: apart, Network: newNetwork(t)}
	must(t, os.Mkdir(h.Share, 0o755), "making /share")
	merged := overlay(t, dir, root)
	for _, edit := range edits {
		edit(merged)
	}
	h.start(dir, merged)
	return h
}

// overlay lays a file system in memory over the root.
func overlay(t Owner, dir, root string) string {
	t.Helper()
	memory, merged := filepath.Join(dir, "memory"), filepath.Join(dir, "root")
	mount := func(source, target, kind, options string) {
		must(t, os.Mkdir(target, 0o755), "making "+target)
		must(t, syscall.Mount(source, target, kind, 0, options), "mounting "+target)
		t.Cleanup(func() { _ = syscall.Unmount(target, syscall.MNT_DETACH) })
	}
	mount("tmpfs", memory, "tmpfs", "mode=0755")
	upper, work := filepath.Join(memory, "upper"), filepath.Join(memory, "work")
	must(t, errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755)), "making the machine's layer")
	mount("overlay", merged, "overlay", fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", root, upper, work))
	return merged
}

func (h *Host) start(dir, root string) {
	h.t.Helper()
	log, err := os.Create(filepath.Join(dir, "console"))
	must(h.t, err, "making the console's log")
	defer log.Close()
	args := []string{"systemd-nspawn", "--quiet", "--boot", "--directory", root, "--machine", h.name,
		"--register=no", "--keep-unit", "--link-journal=no", "--console=pipe",
		"--system-call-filter", "landlock_create_ruleset landlock_add_rule landlock_restrict_self", // any host has them
		"--bind", h.Share + ":/share"}
	if net := "/run/netns/" + h.name; h.apart { // which may not enter a network that is not its own: it starts there
		args = append([]string{"nsenter", "--net=" + net}, append(args, "--private-users=identity")...)
	} else {
		args = append(args, "--network-namespace-path", net)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	cmd.Stdout, cmd.Stderr = log, log
	group := h.group()
	defer group.Close()
	// The machine does not outlive its test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, UseCgroupFD: true, CgroupFD: int(group.Fd())}
	must(h.t, cmd.Start(), "starting systemd-nspawn")
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.logs(log.Name())
		}
		// Its processes are in a PID namespace: they all end with its PID 1.
		if h.pid != 0 {
			_ = syscall.Kill(h.pid, syscall.SIGKILL)
		} else {
			_ = cmd.Process.Kill()
		}
		<-ended
	})

	ctx, cancel := context.WithTimeout(h.t.Context(), timeout)
	defer cancel()
	err = stage.Eventually(ctx, func() error {
		select {
		case <-ended:
			cancel()
			return errors.New("systemd-nspawn ended")
		default:
		}
		if h.pid == 0 {
			h.pid = childOf(cmd.Process.Pid)
		}
		if h.pid == 0 {
			return errors.New("it has no PID 1 yet")
		}
		state, _ := h.Try("systemctl", "is-system-running", "--wait")
		if state = strings.TrimSpace(state); state != "running" && state != "degraded" {
			return fmt.Errorf("systemd says %q", state)
		}
		return nil
	})
	must(h.t, err, "booting the machine")
}

// logs shows what a failed test needs: the console and the journal's end.
func (h *Host) logs(console string) {
	if text, err := os.ReadFile(console); err == nil && len(text) > 0 {
		h.t.Logf("console:\n%s", lastLines(string(text), 30))
	}
	if h.pid == 0 {
		return
	}
	if text, err := h.Try("journalctl", "--no-pager", "-o", "short-monotonic", "-n", "80"); err == nil {
		h.t.Logf("journal:\n%s", text)
	}
}

// childOf finds the machine's PID 1: the one child of systemd-nspawn that is systemd.
func childOf(parent int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", parent))
	for _, field := range strings.Fields(string(text)) {
		comm, _ := os.ReadFile("/proc/" + field + "/comm")
		if pid, err := strconv.Atoi(field); err == nil && strings.TrimSpace(string(comm)) == "systemd" {
			return pid
		}
	}
	return 0
}

// must ends the test on an error, saying what was being done.
func must(t Owner, err error, doing string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}
