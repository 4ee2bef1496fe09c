//go:build unix

package paths

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Barrier returns the first folder from / to path, path included, that this process may not pass
// through; "" where there is none, or where a folder before it does not exist.
func Barrier(path string) string {
	at := "/"
	for _, name := range append([]string{""}, strings.Split(path, "/")...) {
		at = filepath.Join(at, name)
		info, err := os.Stat(at)
		if err != nil || !info.IsDir() {
			return ""
		}
		if unix.Faccessat(unix.AT_FDCWD, at, unix.X_OK, unix.AT_EACCESS) == unix.EACCES {
			return at
		}
	}
	return ""
}

// Opening returns what an administrator can type so that user may pass a folder.
func Opening(folder, user string) string {
	mode := "its mode is not known"
	if info, err := os.Stat(folder); err == nil {
		mode = "mode " + octal(info.Mode())
	}
	return fmt.Sprintf("user %q cannot pass the folder %q (%s): as root \"chmod o+x %[2]s\", or for this user alone \"setfacl -m u:%[1]s:x %[2]s\"", user, folder, mode)
}

func octal(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }
