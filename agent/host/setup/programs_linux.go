package setup

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/plan"
)

// programs looks at the programs of the package, and at those of an update that are chosen instead:
// whole, root's, and executable for both users. A host without the package has none.
func programs(context.Context, *Host) ([]plan.Finding, error) {
	if _, err := os.Lstat(layout.Libexec); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []plan.Finding
	for _, folder := range []string{layout.Libexec, layout.UpdaterRun} {
		for _, name := range []string{layout.Program, layout.Shim} {
			f, err := lookProgram(filepath.Join(folder, name), folder == layout.Libexec)
			if err != nil {
				return found, err
			}
			found = append(found, f...)
		}
	}
	return found, nil
}

// reinstall is what a person does about a program that was changed: no other one can be in its
// place.
const reinstall = "dnf reinstall " + layout.Package + " (rpm -V " + layout.Package + " shows all that was changed)"

func lookProgram(path string, packaged bool) ([]plan.Finding, error) {
	bad := func(format string, args ...any) ([]plan.Finding, error) {
		return []plan.Finding{{Text: fmt.Sprintf("%q ", path) + fmt.Sprintf(format, args...), Try: reinstall}}, nil
	}
	file, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !packaged:
		if _, err := os.Lstat(path); err == nil {
			return bad("leads to no file")
		}
		return nil, nil // the package's is used
	case errors.Is(err, fs.ErrNotExist):
		return bad("is missing: no App can be started")
	case err != nil:
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return bad("is no file")
	case !whole(f, info.Size()):
		return bad("is cut short or damaged (%d bytes)", info.Size())
	case st.Uid != 0:
		return bad("belongs to user %d, not to root", st.Uid)
	case info.Mode().Perm()&0o022 != 0:
		return bad("can be changed by others than root (mode %04o)", info.Mode().Perm())
	case info.Mode().Perm()&0o111 != 0o111:
		mode := fs.FileMode(0o755)
		if filepath.Base(path) == layout.Shim { // nobody has to read it
			mode = 0o711
		}
		return []plan.Finding{{
			Text: fmt.Sprintf("%q cannot be executed by everybody who has to (mode %04o)", path, info.Mode().Perm()), Fix: "made executable",
			Do: func(context.Context) error { return executable(file, mode) },
		}}, nil
	}
	return nil, nil
}

// executable gives a program of root's its mode.
func executable(file string, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	if st.Uid != 0 || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errExchanged
	}
	return f.Chmod(mode)
}

// whole reports whether all parts of a program are in its file.
func whole(f *os.File, size int64) bool {
	p, err := elf.NewFile(f)
	if err != nil {
		return false
	}
	for _, s := range p.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > uint64(size) {
			return false
		}
	}
	for _, s := range p.Progs {
		if s.Off+s.Filesz > uint64(size) {
			return false
		}
	}
	return true
}
