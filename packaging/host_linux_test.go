package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
)

// buildInto, in the environment, makes TestSameBytesWhereItIsInstalled write the packages into the
// folder that it names.
const buildInto = "TCENVSVR_TEST_BUILD_INTO"

// TestSameBytesWhereItIsInstalled builds the packages on two hosts: one that has nothing of ours,
// and one on which the package lies unpacked, from the folder in which its relative link leads to a
// file. Each is a mount namespace over this host.
func TestSameBytesWhereItIsInstalled(t *testing.T) {
	if into := os.Getenv(buildInto); into != "" {
		packInto(t, into)
		return
	}
	need.Root(t)
	need.Tool(t, "mount")
	bare, there := t.TempDir(), t.TempDir()
	elsewhere(t, bare, `
		for path in /usr/libexec/threatconnect-envsvr /usr/share/threatconnect-envsvr /usr/bin/tcenvsvr \
			/opt/threatconnect-envsvr /etc/threatconnect-envsvr /etc/sudoers.d/threatconnect; do rm -rf "$path"; done
		cd /`)
	elsewhere(t, there, `
		tar -C / --no-overwrite-dir --no-same-owner -xzf `+filepath.Join(bare, "tar")+`
		test -x /usr/libexec/threatconnect-envsvr/tcenvsvr
		cd /usr/bin
		test -e ../libexec/threatconnect-envsvr/tcenvsvr`)
	for name := range new(Build).all() {
		one, err := os.ReadFile(filepath.Join(bare, name))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(there, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s differs where the package is installed", name)
		}
	}
}

// packInto writes all packages.
func packInto(t *testing.T, into string) {
	b := build(t)
	b.Signer = nil // its key is this process's; that signatures are the same each time has a test of its own
	for name, fill := range b.all() {
		var out bytes.Buffer
		if err := fill(&out); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(into, name), out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// elsewhere builds into a folder on this host as prepare changes it; the changes are seen by nobody
// else and end with the process.
func elsewhere(t *testing.T, into, prepare string) {
	t.Helper()
	c := exec.Command("/bin/sh", "-euc", `
		layers=$1; shift
		mount -t tmpfs tmpfs "$layers"
		for top in usr etc opt var; do
			mkdir "$layers/$top" "$layers/$top.work"
			mount -t overlay -o "lowerdir=/$top,upperdir=$layers/$top,workdir=$layers/$top.work" overlay "/$top"
		done`+prepare+`
		exec "$@"`, "sh", t.TempDir(), os.Args[0], "-test.run=^TestSameBytesWhereItIsInstalled$", "-test.count=1")
	c.Env = append(os.Environ(), buildInto+"="+into)
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building elsewhere: %v\n%s", err, out)
	}
}
