package proc

import (
	"errors"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSignal(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := Signal(ID{id.PID, id.Start - 1}, unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("signalling who had the number before: %v", err)
	}
	if err := Signal(id, unix.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("the child: %v", err)
	}
	if err := Signal(id, unix.SIGTERM); !errors.Is(err, ErrGone) {
		t.Errorf("signalling who has ended: %v", err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (a) b) (c) S 1 17 17 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 250130 1000 1 18446744073709551615\n"))
	f.Add([]byte("1 () Z"))
	f.Fuzz(func(t *testing.T, line []byte) {
		p, state, err := parseStat(line)
		if err == nil && (state == 0 || len(line) < 40) {
			t.Errorf("%q gives %+v", line, p)
		}
	})
	p, state, err := parseStat([]byte("17 (a) b) (c) T 1 18 19 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 250130 1000 1"))
	if want := (Info{ID: ID{17, 250130}, PPID: 1, PGID: 18, SID: 19}); err != nil || p != want || state != 'T' {
		f.Errorf("%+v, %c, %v, want %+v", p, state, err, want)
	}
}
