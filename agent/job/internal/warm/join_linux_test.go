package warm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

// TestRun: what a fork answers, or that it ends, says whether the App may start cold.
func TestRun(t *testing.T) {
	s := &isolation.Start{Argv: []string{"python", "a.py", ""}, Env: []string{"SECRET=1"}, Dir: "/dir"}
	const told = "3\x00/dir\x00python\x00a.py\x00\x00SECRET=1\x00end"
	hear := func(t *testing.T, fork io.Reader) {
		if data, err := io.ReadAll(fork); string(data) != told || err != nil {
			t.Errorf("the fork is told %q, %v; want %q", data, err, told)
		}
	}
	for name, c := range map[string]struct {
		fork func(*testing.T, *os.File)
		want string
	}{
		"starts":       {func(t *testing.T, f *os.File) { hear(t, f); _, _ = f.WriteString("g") }, ""},
		"refuses":      {func(t *testing.T, f *os.File) { hear(t, f); _, _ = f.WriteString("eno such App") }, `did not start: "no such App"`},
		"ends":         {func(t *testing.T, f *os.File) { hear(t, f) }, "EOF"},
		"hears little": {func(_ *testing.T, f *os.File) { _, _ = f.Read(make([]byte, 2)) }, "waiting for the template's fork to start"},
		"is gone":      {nil, "telling the template's fork what to start"},
	} {
		t.Run(name, func(t *testing.T) {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			fork, a := os.NewFile(uintptr(pair[1]), "fork"), &App{talk: os.NewFile(uintptr(pair[0]), "shim")}
			defer a.talk.Close()
			ended := make(chan struct{})
			end := func() {
				defer close(ended)
				defer fork.Close()
				if c.fork != nil {
					c.fork(t, fork)
				}
			}
			if c.fork == nil {
				end()
			} else {
				go end()
			}
			err = a.Run(s)
			<-ended
			if errors.Is(err, isolation.ErrLost) || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestSilentFork: one that has been told and says nothing may have started the App.
func TestSilentFork(t *testing.T) {
	for err, lost := range map[error]bool{
		os.ErrDeadlineExceeded: true, unix.EIO: true, io.EOF: false, unix.EPIPE: false,
		&net.OpError{Op: "read", Err: os.NewSyscallError("read", unix.ECONNRESET)}: false,
	} {
		if got := errors.Is(unsure("waiting", fmt.Errorf("read: %w", err)), isolation.ErrLost); got != lost {
			t.Errorf("%v: lost is %v", err, got)
		}
	}
}
