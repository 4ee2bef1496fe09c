package slot

import (
	"errors"
	"os"
	"path/filepath"

	"tcenvsvr/updater/handover"
)

// activate makes a program the one that is started from now on: it points the links at the program
// and at the shim of its jobs. The shim's link comes first, so that no program is started before
// its shim, whatever ends this function in between.
func (s *Slots) activate(program string) error {
	if _, err := os.Stat(program); err != nil {
		return err
	}
	if err := s.link(s.cfg.Shim, shimOf(program)); err != nil {
		return err
	}
	return s.link(s.cfg.Link, program)
}

// shimOf is the small program beside the package's program. A release is one file: its own shim.
func shimOf(path string) string {
	beside := filepath.Join(filepath.Dir(path), handover.ShimName)
	if info, err := os.Lstat(beside); err == nil && info.Mode().IsRegular() {
		return beside
	}
	return path
}

// link points a link at path, in one step.
func (s *Slots) link(link, path string) error {
	if link == "" {
		return nil
	}
	if err := s.runFolder(filepath.Dir(link)); err != nil {
		return err
	}
	if old, err := os.Readlink(link); err == nil && old == path {
		return nil
	}
	temp := link + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(path, temp); err != nil {
		return err
	}
	return os.Rename(temp, link)
}

// runFolder makes the folder of the links, and checks that only the owner of the slots could
// exchange a link in it.
func (s *Slots) runFolder(dir string) error {
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		return os.Chmod(dir, 0o755) // whatever the umask
	case !errors.Is(err, os.ErrExist):
		return err
	}
	return trusted(dir, s.cfg.Owner, true)
}
