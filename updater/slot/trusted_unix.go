//go:build unix

package slot

import (
	"fmt"
	"os"
	"syscall"
)

// trusted reports why a user other than owner could exchange the file or folder at path. A link is
// refused: it could point anywhere.
func trusted(path string, owner int, folder bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case folder && !info.IsDir():
		return fmt.Errorf("%q is not a folder", path)
	case !folder && !info.Mode().IsRegular():
		return fmt.Errorf("%q is not a regular file", path)
	case !ok || int(st.Uid) != owner:
		return fmt.Errorf("%q does not belong to the user with id %d", path, owner)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%q may be written by others (mode %o)", path, info.Mode().Perm())
	case !folder && info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%q is not executable (mode %o)", path, info.Mode().Perm())
	}
	return nil
}
