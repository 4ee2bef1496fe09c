//go:build unix

package shim

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"tcenvsvr/agent/disk/plainfile"
)

// removed reports whether a folder that this process is still in has no name any more.
func removed(dir string) bool {
	var st syscall.Stat_t
	return syscall.Stat(dir, &st) == nil && st.Nlink == 0
}

// shared are the folders of a job that the agent reads when it has ended.
var shared = []string{"out", "log"}

// maxShared bounds how many names are looked at, and are in memory together: an App may leave millions.
const maxShared = 20_000

// share lets the folder's group, and with it the agent by its ACL, read what the App has left,
// whatever its umask was: an App that makes a file of mode 0600 wants to keep out other users, not
// the agent that publishes it. Only what is ours can be changed, and links are not followed.
func share(dir string) {
	s := sharing{left: maxShared}
	for _, name := range shared {
		s.share(filepath.Join(dir, name))
	}
}

type sharing struct{ left int } // names

func (s *sharing) share(path string) {
	info, err := os.Lstat(path)
	if err != nil {
		return // the next one may be readable
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() && !info.Mode().IsRegular() {
		return
	}
	if int(stat.Uid) == os.Geteuid() {
		want := info.Mode().Perm() | 0o060
		if info.IsDir() {
			want |= 0o010
		}
		if want != info.Mode().Perm() {
			_ = os.Chmod(path, want|info.Mode()&fs.ModeSetgid)
		}
	}
	if info.IsDir() {
		for _, name := range s.names(path) {
			s.share(filepath.Join(path, name))
		}
	}
}

// names are those in a folder, as many as are left.
func (s *sharing) names(dir string) []string {
	if s.left <= 0 {
		return nil
	}
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|plainfile.Flags, 0)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(s.left)
	s.left -= len(names)
	return names
}
