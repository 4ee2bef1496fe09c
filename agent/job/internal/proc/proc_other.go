//go:build unix && !linux && !darwin

package proc

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Of identifies the process pid, by its number alone.
func Of(pid int) (ID, error) {
	if err := unix.Kill(pid, 0); err != nil && !errors.Is(err, unix.EPERM) {
		return ID{}, ErrGone
	}
	return ID{PID: pid}, nil
}

// Alive reports whether a process has the number.
func Alive(id ID) bool {
	_, err := Of(id.PID)
	return err == nil && id.PID > 1
}

// BootID is not known here.
func BootID() string { return "" }

// List is empty: only process groups are known here.
func List() ([]Info, error) { return nil, nil }

// Signal sends sig. ErrGone if nothing has the number.
func Signal(id ID, sig unix.Signal) error {
	err := unix.Kill(id.PID, sig)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// Sockets adds nothing on this system: it has no list to compare with.
func Sockets(int, map[uint64]bool) {}

// Mentions is false: the environment of processes is not known here.
func Mentions(int, string) bool { return false }
