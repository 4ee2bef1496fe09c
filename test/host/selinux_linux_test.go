package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// What the machine has for SELinux. Its kernel is the one installed here.
var selinuxPackages = []string{"selinux-policy-default", "selinux-utils", "policycoreutils"}

// The steps of testdata/selinux.sh.
var selinuxSteps = []string{"enforcing", "install", "verify", "users", "acls", "host-check",
	"cloud", "enroll", "start", "connected", "domains", "app", "still-enforcing", "denials"}

// TestSELinux does install, enroll and an App on a machine of its own kernel, with SELinux
// enforcing: a namespace shares our kernel, which has it not. qemu interprets the machine
// (minutes), so that only test/run --selinux asks for it.
func TestSELinux(t *testing.T) {
	if os.Getenv("TCENVSVR_SELINUX") != "1" {
		t.Skip("takes minutes; test/run --selinux runs it")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine is an x86_64")
	}
	Needs(t)
	for _, tool := range []string{"qemu-system-x86_64", "setfiles", "mkfs.ext4"} {
		need.Tool(t, tool)
	}
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
	report, err := runVM(ctx, t.TempDir(), image)
	measured("machine, from boot to power off")
	t.Logf("the machine said:\n%s", report)
	must(t, err, "running the machine")
	checkSteps(t, report)
}

// checkSteps finds every step in the report, each with status 0.
func checkSteps(t *testing.T, report string) {
	t.Helper()
	status := map[string]int{}
	for line := range strings.Lines(report) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "STEP" {
			n, err := strconv.Atoi(f[2])
			must(t, err, "reading "+line)
			status[f[1]] = n
		}
	}
	for _, step := range selinuxSteps {
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
	app, err := apps.Build("probe", dir)
	must(t, err, "building an App")
	share := filepath.Join(root, "share")
	must(t, os.CopyFS(filepath.Join(share, "repo"), os.DirFS(r.repo)), "publishing the packages")

	for inside, from := range map[string]string{
		"/share/probe.tcx":                      app,
		"/usr/local/bin/tccloud":                r.cloud,
		"/usr/local/sbin/selinux.sh":            "testdata/selinux.sh",
		"/etc/systemd/system/selinux.service":   "testdata/selinux.service",
		"/etc/yum.repos.d/" + product + ".repo": filepath.Join(r.repo, product+".repo"),
	} {
		install(ctx, t, from, filepath.Join(root, inside))
	}
	must(t, errors.Join(
		os.WriteFile(filepath.Join(root, "etc/selinux/config"), []byte("SELINUX=enforcing\nSELINUXTYPE=default\n"), 0o644),
		os.WriteFile(filepath.Join(root, "etc/hosts"), []byte("127.0.0.1 localhost elhost "+CloudName+"\n"), 0o644),
	), "configuring the machine")
	_ = os.Remove(filepath.Join(root, ".autorelabel")) // it is labelled
	rootLabel := make([]byte, 256)                     // the overlay's top folder is of the layer above, without a label
	n, err := syscall.Getxattr(bare, "security.selinux", rootLabel)
	must(t, err, "reading the label of /")
	must(t, syscall.Setxattr(root, "security.selinux", rootLabel[:n], 0), "setting the label of /")
	label(ctx, t, root, share, filepath.Join(root, "etc"), filepath.Join(root, "usr/local"))

	image := filepath.Join(dir, "disk")
	do(ctx, t, "mkfs.ext4", "-q", "-d", root, image, "40G") // sparse; a cloud reserves room for its streams
	return image
}

// label gives files the labels that the policy inside root wants. No kernel with SELinux is needed
// for that.
func label(ctx context.Context, t *testing.T, root string, paths ...string) {
	t.Helper()
	contexts := filepath.Join(root, "etc/selinux/default/contexts/files/file_contexts")
	do(ctx, t, "setfiles", append([]string{"-r", root, contexts}, paths...)...)
}

func install(ctx context.Context, t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	must(t, err, "looking at "+from)
	do(ctx, t, "install", "-D", "-m", fmt.Sprintf("%o", info.Mode().Perm()), from, to)
}

func do(ctx context.Context, t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(ctx, need.Tool(t, name), args...).CombinedOutput()
	must(t, err, fmt.Sprintf("%s %v: %s", name, args, lastLines(string(out), 20)))
}

// runVM boots the image, waits until it powers itself off, and returns what the script said. The
// error has what the kernel said.
func runVM(ctx context.Context, dir, image string) (report string, err error) {
	kernel, initrd, err := newestKernel()
	if err != nil {
		return "", err
	}
	console, said := filepath.Join(dir, "console"), filepath.Join(dir, "report")
	// Interpreted on purpose: where CI runs there often is no working KVM.
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
		"-display", "none", "-no-reboot", "-nic", "none", "-serial", "file:"+console, "-serial", "file:"+said,
		"-kernel", kernel, "-initrd", initrd, "-drive", "file="+image+",if=virtio,format=raw,cache=unsafe",
		"-append", "console=ttyS0 root=/dev/vda rw panic=-1 security=selinux selinux=1 enforcing=1 audit=1 audit_backlog_limit=8192 systemd.show_status=0 "+
			"systemd.getty_auto=0 systemd.wants=selinux.service")
	out, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(said)
	report = strings.ReplaceAll(string(text), "\r", "")
	if err == nil && strings.HasSuffix(report, "DONE\n") {
		return report, nil
	}
	text, _ = os.ReadFile(console)
	return report, fmt.Errorf("the machine did not reach the end of its script: %w: %s\n%s",
		cmp.Or(err, ctx.Err(), errors.New("it ended before")), out, lastLines(string(text), 40))
}

// newestKernel is the one installed last: Debian's linux-image-amd64.
func newestKernel() (kernel, initrd string, err error) {
	found, err := filepath.Glob("/boot/vmlinuz-*")
	if err != nil || len(found) == 0 {
		return "", "", errors.New("there is no kernel in /boot: apt-get install linux-image-amd64")
	}
	modified := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	kernel = slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(modified(a), modified(b)) })
	initrd = strings.Replace(kernel, "vmlinuz-", "initrd.img-", 1)
	_, err = os.Stat(initrd)
	return kernel, initrd, err
}
