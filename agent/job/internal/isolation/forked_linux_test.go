package isolation

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// forked has a world made for a fork. It returns the fork server's end of its socket, and both of the fork's.
func forked(t *testing.T) (w *World, server, fork, shim *os.File) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("joining a world as a template's fork does needs root here")
	}
	pair := func(kind int) (a, b *os.File) {
		fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		a, b = os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
		t.Cleanup(func() { _, _ = a.Close(), b.Close() })
		return a, b
	}
	server, asked := pair(unix.SOCK_SEQPACKET)
	fork, shim = pair(unix.SOCK_STREAM)
	if err := unix.SetsockoptInt(int(shim.Fd()), unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	f := Fork{Server: asked, Stdout: null, Stderr: null, Fork: fork, Shim: shim}
	w, err = BuildForked(&Plan{Level: Full}, f, anywhere)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { discard(w) })
	return w, server, fork, shim
}

// asked receives what the fork server is asked, and the files that come with it.
func asked(t *testing.T, server *os.File) []*os.File {
	t.Helper()
	word, control := make([]byte, 64), make([]byte, unix.CmsgSpace(16*4))
	n, oob, _, _, err := unix.Recvmsg(int(server.Fd()), word, control, 0)
	if err != nil || n < 2 || word[0] != 'f' {
		t.Fatalf("the fork server is asked %q, %v", word[:max(n, 0)], err)
	}
	files, err := Descriptors(control[:oob])
	if err != nil || len(files) != 9 {
		t.Fatalf("%d files come, %v", len(files), err)
	}
	return files
}

// TestForked: the init of an App that another process has made knows by whom it is told that, and when nothing of the App
// lives. What ends before the App is not counted.
func TestForked(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		status unix.WaitStatus
		want   End
		reaped int
	}{
		"alone":      {"", 7 << 8, End{Code: 7}, 0},
		"killed":     {"", unix.WaitStatus(unix.SIGTERM), End{Code: -1, Signal: unix.SIGTERM}, 0},
		"left":       {"(sleep 0.5 &) ; (sleep 0.6 &)", 0, End{Left: true}, 2},
		"ended soon": {"(true &); (true &); sleep 0.3; ! grep -q '^State:.Z' /proc/[0-9]*/status", 0, End{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, server, fork, shim := forked(t)
			files := asked(t, server)
			cmd := exec.Command("nsenter", "--preserve-credentials", "--user=/proc/self/fd/3", "--mount=/proc/self/fd/4", "--ipc=/proc/self/fd/5", "--pid=/proc/self/fd/6",
				"/bin/sh", "-c", "printf r >&7; read x <&7; exec 3>&- 4>&- 5>&- 6>&- 7>&-; "+c.script)
			cmd.ExtraFiles = append(files[:4:4], fork)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			e, came, err := w.Next(10 * time.Second)
			if err != nil || !e.Forked || len(came) != 1 {
				t.Fatalf("got %+v, %d files, %v", e, len(came), err)
			}
			if _, err := io.WriteString(shim, "go\n"); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			w.Ended(c.status)
			if end := w.Wait(); end != c.want {
				t.Errorf("got %+v, want %+v", end, c.want)
			}
			if n := w.Reaped(); n != c.reaped {
				t.Errorf("%d processes ended after the App, not %d", n, c.reaped)
			}
		})
	}
}

// TestForkOutside: a process that is not in the world is not its App.
func TestForkOutside(t *testing.T) {
	w, server, fork, _ := forked(t)
	asked(t, server)
	if _, err := io.WriteString(fork, "r"); err != nil {
		t.Fatal(err)
	}
	if e, _, err := w.Next(10 * time.Second); !errors.Is(err, io.EOF) {
		t.Errorf("got %+v, %v", e, err)
	}
}

// TestForkEnds: an init does not wait for a fork that has ended, or has an error.
func TestForkEnds(t *testing.T) {
	for _, words := range []string{"", "eerror"} {
		w, server, fork, _ := forked(t)
		for _, f := range asked(t, server) {
			_ = f.Close()
		}
		if _, err := io.WriteString(fork, words); err != nil {
			t.Fatal(err)
		}
		_ = fork.Close()
		if e, _, err := w.Next(10 * time.Second); !errors.Is(err, io.EOF) {
			t.Errorf("%q: got %+v, %v", words, e, err)
		}
	}
}

// TestForkServerGone: that there is nobody to ask is told as the failure of a step.
func TestForkServerGone(t *testing.T) {
	p := &Plan{Level: Full, Tmp: "/no/such"}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for plan, want := range map[*Plan]string{p: "opening the folder for /tmp", {Level: Full}: "asking the template to fork"} {
		w, err := BuildForked(plan, Fork{Server: null, Stdout: null, Stderr: null, Fork: null, Shim: null}, anywhere)
		if err != nil {
			t.Fatal(err)
		}
		if e, _, err := w.Next(10 * time.Second); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %+v, %v, want %q", e, err, want)
		}
		discard(w)
	}
}

// TestConnectionReset: one that is closed with something unread is closed.
func TestConnectionReset(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conn *net.UnixConn
	if conn, err = Conn(pair[0]); err != nil {
		t.Fatal(err)
	}
	w := Joined(Full, conn)
	defer w.Close()
	if _, err := conn.Write([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(pair[1])
	if _, _, err := w.Next(10 * time.Second); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
