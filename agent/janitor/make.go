package janitor

import (
	"fmt"
	"os"
	"path/filepath"
)

// Folders are what a job's folder holds.
var Folders = []string{"in", "out", "log", "tmp", "shim"}

// mode is exact whatever the umask: the group bits are the mask of the
// ACL that lets the sandbox user in, setgid keeps the group.
const mode = 0o770 | os.ModeSetgid

// Make makes the folder of a session with everything in it. One that is
// there from an earlier try is completed.
func Make(dir string) error {
	for _, d := range append([]string{""}, Folders...) {
		path := filepath.Join(dir, d)
		if err := os.Mkdir(path, 0o770); err != nil && !os.IsExist(err) {
			return fmt.Errorf("making the job's folder: %w", err)
		}
		if err := os.Chmod(path, mode); err != nil {
			return fmt.Errorf("making the job's folder: %w", err)
		}
	}
	return nil
}

// Give gives the folder of a session to a group.
func Give(dir string, gid int) error {
	for _, d := range append([]string{""}, Folders...) {
		path := filepath.Join(dir, d)
		if err := os.Lchown(path, -1, gid); err != nil {
			return fmt.Errorf("giving the job's folder to the sandbox user: %w", err)
		}
		if err := os.Chmod(path, mode); err != nil { // chown clears setgid
			return fmt.Errorf("giving the job's folder to the sandbox user: %w", err)
		}
	}
	return nil
}
