package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"tcenvsvr/agent/job/internal/spec"
)

// maxKept is the size in bytes of the largest file that is kept as the App left it: nobody reads
// more of a message or of results.
const maxKept = 1 << 20

// kept are the files of Launch.Keep as they were at the App's own end. They are held in memory:
// most Apps leave nothing behind that could change them, and if the shim dies nobody asks for them.
type kept struct {
	launch *spec.Launch
	files  []keptFile
}

type keptFile struct {
	path string
	data []byte
	was  bool // there
}

// remember reads the files. One that is too large, or no regular file, is not kept; its readers
// have to cope with it.
func (k *kept) remember() {
	for _, path := range k.launch.Keep {
		path = k.launch.Relative(path)
		data, err := readKept(k.launch.Dir, path)
		switch {
		case err == nil:
			k.files = append(k.files, keptFile{path, data, true})
		case errors.Is(err, fs.ErrNotExist):
			k.files = append(k.files, keptFile{path: path})
		}
	}
}

// restore undoes what was done to the files since. It runs when nothing of the job lives and before
// its end is recorded, so that nobody reads the files in between.
func (k *kept) restore() error {
	var errs []error
	for _, f := range k.files {
		now, err := readKept(k.launch.Dir, f.path)
		if f.was && err == nil && bytes.Equal(now, f.data) || !f.was && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := f.restore(k.launch.Dir); err != nil {
			errs = append(errs, fmt.Errorf("restoring %q as the App had left it: %w", f.path, err))
		}
	}
	return errors.Join(errs...)
}

// restore makes the file anew: there may be a link, a pipe or a folder in its place by now.
func (f *keptFile) restore(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.RemoveAll(f.path); err != nil || !f.was {
		return err
	}
	return writeFile(root, f.path, fileMode, f.data)
}

func readKept(dir, path string) ([]byte, error) {
	f, err := spec.OpenRegular(dir, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKept+1))
	if err == nil && len(data) > maxKept {
		err = fmt.Errorf("%q has more than %d bytes", path, maxKept)
	}
	return data, err
}
