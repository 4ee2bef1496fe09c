//go:build unix

package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// open never follows a link and never waits for the writer of a pipe.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) {
		return nil, unsafe(path, "it is a symbolic link")
	}
	return f, err
}

// owned says what is wrong with owner and mode.
func owned(path string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() && st.Uid != 0 {
		return unsafe(path, fmt.Sprintf("it belongs to user %d, not to user %d or root", st.Uid, os.Geteuid()))
	}
	return closed(path, info)
}

// closed says what is wrong with the mode.
func closed(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return unsafe(path, fmt.Sprintf("others may read or write it (mode %04o)", mode)+
			fmt.Sprintf("\nhint: run \"chmod 600 %s\", and regard what was in it as known to others", path))
	}
	return nil
}
