//go:build unix

package shim

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// removed reports whether a folder that this process is still in has no name any more.
func removed(dir string) bool {
	var st syscall.Stat_t
	return syscall.Stat(dir, &st) == nil && st.Nlink == 0
}

// shared are the folders of a job that the agent reads when it has ended.
var shared = []string{"out", "log"}

// maxShared bounds how many names are looked at: an App may leave millions.
const maxShared = 20_000

// share lets the folder's group, and with it the agent by its ACL, read what the App has left,
// whatever its umask was: an App that makes a file of mode 0600 wants to keep out other users, not
// the agent that publishes it. Only what is ours can be changed, and links are not followed.
func share(dir string) {
	seen := 0
	for _, name := range shared {
		_ = filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if seen++; seen > maxShared {
				return filepath.SkipAll
			}
			if err != nil {
				return nil // the next one may be readable
			}
			info, err := d.Info()
			if err != nil {
				return nil
			}
			stat, ok := info.Sys().(*syscall.Stat_t)
			if !ok || int(stat.Uid) != os.Geteuid() {
				return nil
			}
			want := info.Mode().Perm() | 0o060
			switch {
			case d.IsDir():
				want |= 0o010
			case !d.Type().IsRegular():
				return nil
			}
			if want != info.Mode().Perm() {
				_ = os.Chmod(path, want|info.Mode()&fs.ModeSetgid)
			}
			return nil
		})
	}
}
