package interpreter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tcenvsvr/agent/disk/plainfile"
)

// Share lets everybody read a home, and execute what its owner can: the guide's chmod. It follows
// no link and changes only what belongs to the home's owner. It returns how many files and folders
// it changed.
func Share(home string) (changed int, err error) {
	root, err := os.OpenRoot(home)
	if err != nil {
		return 0, fmt.Errorf("letting everybody read %q: %w", home, err)
	}
	defer root.Close()
	top, err := root.Stat(".")
	if err == nil {
		err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() && !d.Type().IsRegular() {
				return err
			}
			did, err := share(root, path, top)
			if did {
				changed++
			}
			return err
		})
	}
	if err != nil {
		return changed, fmt.Errorf("letting everybody read %q: %w", home, err)
	}
	return changed, nil
}

// share changes the file that it has opened, wherever its path leads by then.
func share(root *os.Root, path string, top fs.FileInfo) (changed bool, err error) {
	f, err := root.OpenFile(path, os.O_RDONLY|plainfile.Flags, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() || !sameOwner(info, top) {
		return false, err
	}
	want := info.Mode().Perm() | 0o044
	if info.IsDir() || want&0o100 != 0 {
		want |= 0o011
	}
	if want == info.Mode().Perm() {
		return false, nil
	}
	return true, f.Chmod(want)
}
