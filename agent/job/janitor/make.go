package janitor

import (
	"errors"
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
// there from an earlier try is completed; an App may have been in it, so nothing but
// the agent's own folders is touched, and no link followed.
func Make(dir string) error { return makeFolders(dir, -1) }

// MakeFor is Make for an agent that is root: the folder is for a group.
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

// folder makes one folder in root, and gives it its mode by what it has opened.
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
	if err == nil && gid >= 0 {
		err = f.Chown(-1, gid)
	}
	if err == nil {
		err = f.Chmod(mode) // last: chown clears setgid
	}
	return errors.Join(err, f.Close())
}

// Tidy removes what nobody reads in the folder of a job that is over: the shim's socket, and what it kept in reserve.
func Tidy(dir string) error {
	root, err := os.OpenRoot(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	var errs []error
	for _, name := range []string{"sock", "exit.reserve", "state.new"} {
		if err := root.Remove(filepath.Join("shim", name)); err != nil && !os.IsNotExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
