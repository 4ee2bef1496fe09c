//go:build unix

package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// judge says what is wrong with owner and mode.
func judge(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode().Perm(); {
	case ok && int(st.Uid) != os.Geteuid() && st.Uid != 0 && !entrusted(path, st.Uid):
		return unsafe(path, fmt.Sprintf("it belongs to user %d, not to user %d or root", st.Uid, os.Geteuid()))
	case mode&0o077 != 0:
		return unsafe(path, fmt.Sprintf("others may read or write it (mode %04o)", mode)+
			fmt.Sprintf("\nhint: run \"chmod 600 %s\", and regard what was in it as known to others", path))
	}
	return nil
}

// entrusted reports whether root reads a file where only its owner, or root,
// could have put it: an administrator works on what is the agent's.
func entrusted(path string, owner uint32) bool {
	if os.Geteuid() != 0 {
		return false
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (st.Uid == owner || st.Uid == 0)
}
