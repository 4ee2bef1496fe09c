package sock

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test program be another process that connects.
func TestMain(m *testing.M) {
	if path := os.Getenv("TEST_CONNECT"); path != "" {
		// The connection is that of the process that ends here; its socket is the test's as well.
		if unix.Connect(3, &unix.SockaddrUnix{Name: path}) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestIsolatedPeerThatEnded: an App cannot hide where it is by having another process connect that ends.
func TestIsolatedPeerThatEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), "TEST_CONNECT="+path), []*os.File{f}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ended, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer ended.Close()
	if p, err := PeerOf(ended); err != nil || !p.Isolated() {
		t.Errorf("a process that ended: got %+v, isolated: %v, %v", p, p.Isolated(), err)
	}
	self, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	conn, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p, err := PeerOf(conn); err != nil || p.Isolated() {
		t.Errorf("this process: got %+v, isolated: %v, %v", p, p.Isolated(), err)
	}
}
