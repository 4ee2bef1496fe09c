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
	"strings"
	"testing"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// needsVM skips a test that a machine of our kernel cannot make, unless it is asked for: qemu
// interprets the machine, which takes minutes.
func needsVM(t *testing.T) {
	t.Helper()
	if os.Getenv("TCENVSVR_VM") != "1" {
		t.Skip("takes minutes; test/run --vm runs it")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine is an x86_64")
	}
	Needs(t)
	for _, tool := range []string{"qemu-system-x86_64", "mkfs.ext4"} {
		need.Tool(t, tool)
	}
}

// equip gives a root the packages, a cloud, an App, and steps to make when it is up.
func equip(ctx context.Context, t *testing.T, root string, r *release, app, steps string) {
	t.Helper()
	file, err := apps.Build(app, t.TempDir())
	must(t, err, "building an App")
	must(t, os.CopyFS(filepath.Join(root, "share", "repo"), os.DirFS(r.repo)), "publishing the packages")
	for inside, from := range map[string]string{
		"/share/app.tcx":                        file,
		"/usr/local/bin/tccloud":                r.cloud,
		"/usr/local/lib/common.sh":              "testdata/common.sh",
		"/usr/local/sbin/steps.sh":              steps,
		"/etc/systemd/system/steps.service":     "testdata/steps.service",
		"/etc/yum.repos.d/" + product + ".repo": filepath.Join(r.repo, product+".repo"),
	} {
		install(ctx, t, from, filepath.Join(root, inside))
	}
	must(t, os.WriteFile(filepath.Join(root, "etc/hosts"), []byte("127.0.0.1 localhost elhost "+CloudName+"\n"), 0o644), "configuring the machine")
}

// diskImage makes a disk of a root.
func diskImage(ctx context.Context, t *testing.T, root string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	do(ctx, t, "mkfs.ext4", "-q", "-d", root, image, "40G") // sparse; a cloud reserves room for its streams
	return image
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
func runVM(ctx context.Context, dir, image, options string) (report string, err error) {
	kernel, initrd, err := newestKernel()
	if err != nil {
		return "", err
	}
	console, said := filepath.Join(dir, "console"), filepath.Join(dir, "report")
	// Interpreted on purpose: where CI runs there often is no working KVM.
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
		"-display", "none", "-no-reboot", "-nic", "none", "-serial", "file:"+console, "-serial", "file:"+said,
		"-kernel", kernel, "-initrd", initrd, "-drive", "file="+image+",if=virtio,format=raw,cache=unsafe",
		"-append", "console=ttyS0 root=/dev/vda rw panic=-1 systemd.show_status=0 systemd.getty_auto=0 systemd.wants=steps.service "+options)
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
