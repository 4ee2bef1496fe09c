//go:build unix

package audit

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// noFollow refuses a link, and does not wait for the reader of a pipe.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

// plain refuses what somebody put in the log's place.
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

// tryLock takes the lock on a file, if nobody holds it.
func tryLock(f *os.File) (unlock func(), ok bool) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return func() { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }, err == nil
	}
}
