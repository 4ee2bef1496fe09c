package job

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/job/internal/spec"
)

// fence takes the claim of a job's folder, so that no shim starts there
// any more. fs.ErrExist: a shim has it. fs.ErrNotExist: there is not even a folder.
func fence(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("fencing %q: %w", dir, err)
	}
	defer root.Close()
	if err := root.Mkdir(spec.Folder, 0o770); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("fencing %q: %w", dir, err)
	}
	record, err := spec.Encode(Status{State: spec.Fenced})
	if err != nil {
		return err
	}
	f, err := root.OpenFile(filepath.Join(spec.Folder, spec.StateFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o660)
	if err != nil {
		return fmt.Errorf("fencing %q: %w", dir, err)
	}
	_, err = f.Write(record)
	return errors.Join(err, f.Close())
}
