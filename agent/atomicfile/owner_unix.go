//go:build unix

package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Entrust gives a file that root made to the owner of its folder: what an
// administrator changes must stay readable to the agent. Whoever owns the
// folder could exchange the file anyway. For others it does nothing.
func Entrust(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	folder, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	owner, ok := folder.Sys().(*syscall.Stat_t)
	is, ok2 := info.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || owner.Uid == 0 || is.Uid != 0 {
		return nil
	}
	if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("giving %q to the owner of its folder: %w", f.Name(), err)
	}
	return nil
}
