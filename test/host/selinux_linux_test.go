package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/test/need"
)

// What the machine has for SELinux. Its kernel is the one installed here.
var selinuxPackages = []string{"selinux-policy-default", "selinux-utils", "policycoreutils"}

// The steps of testdata/selinux.sh.
var selinuxSteps = []string{"enforcing", "install", "verify", "users", "acls", "host-check",
	"cloud", "enroll", "start", "connected", "domains", "app", "still-enforcing", "denials"}

// TestSELinux does install, enroll and an App on a machine of its own kernel, with SELinux
// enforcing: a namespace shares our kernel, which has it not.
func TestSELinux(t *testing.T) {
	needsVM(t)
	need.Tool(t, "setfiles")
	ctx := t.Context()
	measured := stopwatch(t)
	bare, err := Build(ctx, selinuxPackages...)
	must(t, err, "building the root file system")
	measured("root file system")
	r := theRelease(t)
	measured("packages")
	image := selinuxImage(ctx, t, bare, r)
	measured("labelled image")
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	report, err := runVM(ctx, t.TempDir(), image, "security=selinux selinux=1 enforcing=1 audit=1 audit_backlog_limit=8192")
	measured("machine, from boot to power off")
	t.Logf("the machine said:\n%s", report)
	must(t, err, "running the machine")
	checkSteps(t, report, selinuxSteps)
}

// checkSteps finds every step in the report, each with status 0.
func checkSteps(t *testing.T, report string, steps []string) {
	t.Helper()
	status := map[string]int{}
	for line := range strings.Lines(report) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "STEP" {
			n, err := strconv.Atoi(f[2])
			must(t, err, "reading "+line)
			status[f[1]] = n
		}
	}
	for _, step := range steps {
		if got, ok := status[step]; !ok {
			t.Errorf("the machine did not come to step %q", step)
		} else if got != 0 {
			t.Errorf("step %q ended with status %d", step, got)
		}
	}
}

// selinuxImage makes a disk of the root, with the packages, a cloud, an App and the script,
// labelled by the machine's own policy.
func selinuxImage(ctx context.Context, t *testing.T, bare string, r *release) string {
	t.Helper()
	dir := t.TempDir()
	label(ctx, t, bare, bare)
	root := overlay(t, dir, bare)
	equip(ctx, t, root, r, "probe", "testdata/selinux.sh")
	must(t, os.WriteFile(filepath.Join(root, "etc/selinux/config"), []byte("SELINUX=enforcing\nSELINUXTYPE=default\n"), 0o644), "configuring the machine")
	_ = os.Remove(filepath.Join(root, ".autorelabel")) // it is labelled
	rootLabel := make([]byte, 256)                     // the overlay's top folder is of the layer above, without a label
	n, err := syscall.Getxattr(bare, "security.selinux", rootLabel)
	must(t, err, "reading the label of /")
	must(t, syscall.Setxattr(root, "security.selinux", rootLabel[:n], 0), "setting the label of /")
	label(ctx, t, root, filepath.Join(root, "share"), filepath.Join(root, "etc"), filepath.Join(root, "usr/local"))

	return diskImage(ctx, t, root)
}

// label gives files the labels that the policy inside root wants. No kernel with SELinux is needed
// for that.
func label(ctx context.Context, t *testing.T, root string, paths ...string) {
	t.Helper()
	contexts := filepath.Join(root, "etc/selinux/default/contexts/files/file_contexts")
	do(ctx, t, "setfiles", append([]string{"-r", root, contexts}, paths...)...)
}
