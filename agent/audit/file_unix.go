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

// giveFile gives a new file to the owner of its folder: a command that root
// runs first must not lock the agent out.
func giveFile(f *os.File, dir string) error {
	uid, gid, ok := ownerOf(dir)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(uid, gid)
}

func giveToOwnerOf(parent, dir string) error {
	uid, gid, ok := ownerOf(parent)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(dir, uid, gid)
}

func ownerOf(dir string) (uid, gid int, ok bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

// lockFull takes the lock on a full file, if nobody holds it.
func lockFull(f *os.File) (unlock func(), ok bool) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return func() { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }, err == nil
	}
}
