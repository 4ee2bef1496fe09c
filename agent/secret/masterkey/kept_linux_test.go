package masterkey

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKeptOverARestart plays the service manager: it takes the descriptor and gives it to the next
// process, which finds the password in it.
func TestKeptOverARestart(t *testing.T) {
	if os.Getenv("MASTERKEY_TEST_CHILD") != "" { // the next process; systemd sets LISTEN_PID after the fork
		_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
		_, _ = os.Stdout.Write(Restore(os.Getenv))
		os.Exit(0)
	}
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	getenv := func(name string) string { return map[string]string{"NOTIFY_SOCKET": socket}[name] }
	if err := Keep(getenv, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	buf, oob := make([]byte, 1024), make([]byte, 1024)
	n, err := l.Read(buf)
	if err != nil || string(buf[:n]) != "FDSTOREREMOVE=1\nFDNAME=masterkey" {
		t.Fatalf("first message %q, %v", buf[:n], err)
	}
	n, oobn, _, _, err := l.ReadMsgUnix(buf, oob)
	if err != nil || string(buf[:n]) != "FDSTORE=1\nFDNAME=masterkey" || bytes.Contains(buf[:n], []byte("swordfish")) {
		t.Fatalf("second message %q, %v", buf[:n], err)
	}
	scms, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(scms) != 1 {
		t.Fatalf("%d control messages, %v", len(scms), err)
	}
	fds, err := unix.ParseUnixRights(&scms[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("descriptors %v, %v", fds, err)
	}
	stored := os.NewFile(uintptr(fds[0]), "stored")
	defer stored.Close()
	if _, err := stored.WriteAt([]byte("x"), 0); err == nil {
		t.Error("what is stored can be changed")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a restart after a restart
		cmd := exec.Command(exe, "-test.run=TestKeptOverARestart")
		cmd.ExtraFiles = []*os.File{os.Stdin, stored}
		cmd.Env = append(os.Environ(), "MASTERKEY_TEST_CHILD=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=other:masterkey")
		if out, err := cmd.Output(); err != nil || string(out) != "swordfish" {
			t.Errorf("the next process found %q, %v", out, err)
		}
	}
	if err := Keep(func(string) string { return "" }, []byte("x")); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	if got := Restore(func(string) string { return "" }); got != nil {
		t.Errorf("without a service manager: %q", got)
	}
}
