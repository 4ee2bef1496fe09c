package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/job/internal/spec"
)

// fileMode lets the agent, which is another user, read files by the folder's group or ACL.
const fileMode = 0o660

// enter makes the shim's folder, which the App's world hides, and enters it. From here on all paths are
// relative, which keeps the path of the socket short.
func enter(dir string, s *spec.Status) (err error) {
	folder := filepath.Join(dir, spec.Folder)
	if err := os.Mkdir(folder, 0o770); err != nil && !errors.Is(err, fs.ErrExist) {
		return folderError(fmt.Errorf("making the shim's folder: %w", err))
	}
	if err := os.Chdir(folder); err != nil {
		return folderError(fmt.Errorf("entering the shim's folder: %w", err))
	}
	if s.Place, err = place.Of(folder); err != nil {
		return folderError(fmt.Errorf("entering the shim's folder: %w", err))
	}
	return nil
}

// claim claims the job of the folder that was entered: the shim that links the state file first has it.
//
// The returned file reserves the space that the record of the exit will need, while there is some.
// Until then its content is the state, under both names, because making a file is the most expensive step of
// a start.
func claim(dir string, s *spec.Status) (reserve *os.File, err error) {
	state, err := spec.Encode(s)
	if err != nil {
		return nil, folderError(err)
	}
	reserve, err = create(spec.ReserveFile)
	if err == nil {
		if err = fill(reserve, state); err == nil {
			err = os.Link(spec.ReserveFile, spec.StateFile)
		}
		if err != nil {
			_ = reserve.Close()
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, &spec.StartError{Code: spec.CodeClaimed, Err: fmt.Errorf("claiming %q: the job was started before", dir)}
	}
	if err != nil {
		return nil, folderError(fmt.Errorf("claiming %q: %w", dir, err))
	}
	return reserve, nil
}

// writeState replaces the state. It is not fsynced: after a power cut its boot id, or its absence, says that
// nothing of the job runs any more. Who reads it at this moment has the agent's start noted, with all that
// matters of it.
func writeState(reserve *os.File, s spec.Status) error {
	state, err := spec.Encode(s)
	if err != nil {
		return err
	}
	return fill(reserve, state)
}

// fill has all of the reserved space say the state.
func fill(reserve *os.File, state []byte) error {
	room := bytes.Repeat([]byte{' '}, spec.ReserveSize)
	copy(room, state)
	_, err := reserve.WriteAt(room, 0)
	return err
}

// toReap is whom reap looks for: the processes that the agent knows or that the state file names.
// If the file is gone, damaged or a copy's, reap looks for none by number.
func toReap(dir string, known *spec.Status) spec.Status {
	s, err := spec.ReadStatus(dir)
	switch {
	case known == nil && err != nil:
		return spec.Status{}
	case known == nil:
		return s
	case known.AppPID != 0, err != nil, s.ShimPID != known.ShimPID, s.ShimStart != known.ShimStart:
		return *known
	}
	return s // the same shim later: it knows its App
}

// create makes a file that must not exist; O_EXCL follows no link.
func create(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
}

// writeExit overwrites the reserved space and renames it to ExitFile. If the App took the reserve
// away, or put something else in its place, a new file is made.
func writeExit(reserved *os.File, record []byte) error {
	_, err := reserved.WriteAt(record, 0)
	if err == nil {
		err = reserved.Truncate(int64(len(record))) // frees space, needs none
	}
	if err == nil && isAt(reserved, spec.ReserveFile) {
		if err = os.Rename(spec.ReserveFile, spec.ExitFile); err == nil && isAt(reserved, spec.ExitFile) {
			return nil
		}
	}
	if info, err := os.Lstat(spec.ExitFile); err == nil && info.IsDir() { // no rename replaces that
		_ = clearDir(spec.ExitFile)
		_ = os.Remove(spec.ExitFile)
	}
	return atomicfile.WriteFile(spec.ExitFile, record, fileMode)
}

// isAt reports whether name is the file f, and not what an App planted there.
func isAt(f *os.File, name string) bool {
	is, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(name)
	return err == nil && os.SameFile(is, there)
}

// syncExit makes the record of the exit durable. Until then a power cut leaves nothing, the
// reserve, or a record that cannot be decoded; all mean that the outcome is unknown.
func syncExit(reserved *os.File) {
	_ = reserved.Sync()
	_ = reserved.Close()
	_ = atomicfile.SyncDir(".")
}

// writeFiles writes the launch's files and forgets their content.
func writeFiles(l *spec.Launch) error {
	if len(l.Files) == 0 {
		return nil
	}
	root, err := os.OpenRoot(l.Dir)
	if err != nil {
		return folderError(err)
	}
	defer root.Close()
	for i, path := range l.FilePaths() {
		file := &l.Files[i]
		mode := file.Mode
		if mode == 0 {
			mode = 0o600
		}
		err := writeFile(root, path, mode, file.Data)
		clear(file.Data)
		file.Data = nil
		if err != nil {
			return spaceOr(spec.CodeFiles, fmt.Errorf("writing the App's file %q: %w", path, err))
		}
	}
	return nil
}

func writeFile(root *os.Root, path string, mode fs.FileMode, data []byte) error {
	f, err := root.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

// removeFiles removes the launch's files; the App may have done so itself.
func removeFiles(dir string, paths []string) {
	if len(paths) == 0 {
		return
	}
	if root, err := os.OpenRoot(dir); err == nil {
		defer root.Close()
		for _, p := range paths {
			_ = root.Remove(p)
		}
	}
}

func folderError(err error) error { return spaceOr(spec.CodeFolder, err) }

// spaceOr makes a StartError: a full disk or quota has its own code, because somebody can do
// something about it; anything else gets the given code.
func spaceOr(code string, err error) error {
	for _, full := range diskFull {
		if errors.Is(err, full) {
			code = spec.CodeNoSpace
		}
	}
	return &spec.StartError{Code: code, Err: err}
}
