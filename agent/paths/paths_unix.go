//go:build unix

package paths

import (
	"io/fs"
	"os"
	"syscall"

	"tcenvsvr/agent/atomicfile"
)

func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// settle gives a new folder its mode and, where root made it for the agent,
// its owner. The agent may write its parent, so no link is followed.
func settle(dir string, mode os.FileMode) error {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return atomicfile.Entrust(f)
}
