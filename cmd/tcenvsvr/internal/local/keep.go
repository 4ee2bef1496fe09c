package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// kept are the folders of a job that the user may want.
var kept = []string{"out", "log"}

// openKeep makes the user's folder before anything runs. It refuses one with files of an earlier
// run, so that they are not mixed.
func openKeep(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("keeping the App's files: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("keeping the App's files: %w", err)
	}
	for _, name := range kept {
		if err := root.Mkdir(name, 0o777); err != nil {
			_ = root.Close()
			return nil, fmt.Errorf("keeping the App's files in %q: %w\nhint: name another folder, or remove what an earlier run left in this one", dir, err)
		}
	}
	return root, nil
}

// keep copies regular files and nothing else, because an App may leave links and pipes. It goes on
// after a failure and returns all failures together.
func keep(jobDir string, to *os.Root) error {
	from, err := os.OpenRoot(jobDir)
	if err != nil {
		return fmt.Errorf("keeping the App's files: %w", err)
	}
	defer from.Close()
	var errs []error
	for _, part := range kept {
		_ = fs.WalkDir(from.FS(), part, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
			case name == part:
				return nil
			case d.IsDir():
				err = to.Mkdir(filepath.FromSlash(name), 0o777)
			case d.Type().IsRegular():
				err = copyFile(from, to, filepath.FromSlash(name))
			default:
				err = fmt.Errorf("%q is no regular file", name)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("keeping the App's files: %w", err))
			}
			return nil
		})
	}
	return errors.Join(errs...)
}

func copyFile(from, to *os.Root, name string) error {
	in, err := from.Open(name) // a regular one a moment ago, and nothing of the App lives any more
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
