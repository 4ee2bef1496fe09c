package bytecode

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"tcenvsvr/agent/disk/plainfile"
)

// Bounds of what is compiled of one App. What is beyond them is compiled by Python at each run, as
// without bytecode.
const (
	maxSources   = 20_000
	maxNames     = 4 << 20  // bytes of all their names: they travel to the compiler in one piece
	maxSource    = 8 << 20  // bytes of one source
	maxPyc       = 16 << 20 // bytes of one .pyc
	maxPycs      = 1 << 30  // bytes of all .pyc together
	maxNameBytes = 255      // of one file name, as most file systems have it
)

// source is a Python source of an App.
type source struct {
	name string // below the App's folder, with /
	pyc  string // where Python looks for its bytecode
}

// sourcesIn lists the sources below root, in the order of names, that Python would look for
// bytecode of, and their size. The main program is among them: another module may import it.
func sourcesIn(ctx context.Context, root *os.Root, tag string) (all []source, bytes int64, err error) {
	names := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && d.Name() == "__pycache__":
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		pyc, ok := pycOf(name, tag)
		if !ok {
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > maxSource {
			return err
		}
		if names += len(name); len(all) == maxSources || names > maxNames {
			return fs.SkipAll
		}
		all, bytes = append(all, source{name, pyc}), bytes+info.Size()
		return nil
	})
	return all, bytes, err
}

// pycOf is importlib's cache_from_source.
func pycOf(name, tag string) (string, bool) {
	dir, file := path.Split(name)
	module, ok := strings.CutSuffix(file, ".py")
	pyc := module + "." + tag + ".pyc"
	if !ok || module == "" || len(pyc) > maxNameBytes {
		return "", false
	}
	return dir + "__pycache__/" + pyc, true
}

// read reads a plain file below root, at most limit bytes.
func read(root *os.Root, name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|plainfile.Flags, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: errNotPlain}
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil { // it was shortened meanwhile
		return nil, nil, err
	}
	return data, info, nil
}
