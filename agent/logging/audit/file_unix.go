//go:build unix

package audit

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// noFollow refuses a symbolic link, and does not wait for the reader of a pipe.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

// plain refuses anything but a regular file with one name.
func plain(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.Mode().IsRegular() || ok && st.Nlink > 1 {
		return fmt.Errorf("%q is not a plain file with one name; look who put it there, and remove it", f.Name())
	}
	return nil
}

// tryLock locks a file, if no process has locked it.
func tryLock(f *os.File) (unlock func(), ok bool) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return func() { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }, err == nil
	}
}
