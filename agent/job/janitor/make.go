package janitor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tcenvsvr/agent/job/internal/spec"
)

// Folders are the folders in a job's folder.
var Folders = []string{"in", "out", "log", "tmp", spec.Folder}

// mode is set whatever the umask: the group bits are the mask of the ACL that lets the sandbox user
// in, setgid keeps the group.
const mode = 0o770 | os.ModeSetgid

// Make makes the folder of a session and the folders in it. A folder that is left from an earlier
// try is completed. An App may have run in it, so nothing but the agent's own folders is changed,
// and no link is followed.
func Make(dir string) error { return makeFolders(dir, -1) }

// MakeFor is [Make] for an agent that is root: the folders belong to the group gid.
func MakeFor(dir string, gid int) error { return makeFolders(dir, gid) }

func makeFolders(dir string, gid int) error {
	fail := func(err error) error { return fmt.Errorf("making the job's folder: %w", err) }
	jobs, err := os.OpenRoot(filepath.Dir(dir))
	if err != nil {
		return fail(err)
	}
	defer jobs.Close()
	if err := folder(jobs, filepath.Base(dir), gid); err != nil {
		return fail(err)
	}
	session, err := jobs.OpenRoot(filepath.Base(dir))
	if err != nil {
		return fail(err)
	}
	defer session.Close()
	for _, name := range Folders {
		if err := folder(session, name, gid); err != nil {
			return fail(err)
		}
	}
	return nil
}

// folder makes one folder in root and sets the mode of what it has opened.
func folder(root *os.Root, name string, gid int) error {
	if err := root.Mkdir(name, 0o770); err != nil && !os.IsExist(err) {
		return err
	}
	before, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if !before.IsDir() || !Ours(before) {
		return fmt.Errorf("%q is no folder of the agent's: an App put it there", name)
	}
	f, err := root.OpenFile(name, os.O_RDONLY|directory, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(before, info) {
		err = fmt.Errorf("%q was exchanged while it was opened", name)
	}
	has := gid < 0 && err == nil && info.Mode()&(os.ModePerm|os.ModeSetgid|os.ModeSetuid|os.ModeSticky) == mode // by the folder above, and its ACL
	if err == nil && gid >= 0 {
		err = f.Chown(-1, gid)
	}
	if err == nil && !has {
		err = f.Chmod(mode) // last: chown clears setgid
	}
	return errors.Join(err, f.Close())
}

// Tidy removes what nobody reads in the folder of a job that is over: the shim's socket and its
// reserve.
func Tidy(dir string) error {
	leftovers := []string{spec.SocketFile, spec.ReserveFile, spec.NewStateFile}
	if !slices.ContainsFunc(leftovers, func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, spec.Folder, name))
		return !os.IsNotExist(err)
	}) {
		return nil // as a shim leaves it that was not killed
	}
	root, err := os.OpenRoot(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	var errs []error
	for _, name := range leftovers {
		if err := root.Remove(filepath.Join(spec.Folder, name)); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
