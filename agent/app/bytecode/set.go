package bytecode

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"tcenvsvr/agent/app/seal"
	"tcenvsvr/agent/disk/flush"
)

// Set is bytecode that was compiled and has no names yet.
type Set struct {
	Files []seal.File // with the names that they will have
	// Refused is why a result of the compiler was none, the first if there were several: a compiler
	// that works has no such results.
	Refused error

	stage string // file N is named N in there
}

// Modes of what is published, whatever the umask: those of the rest of an App.
const (
	modeFile = 0o644
	modeDir  = 0o755
)

// collect takes the results of a compiler from its folder out. A result is a plain file N.pyc for
// source N: no name in there is the compiler's.
func (s *Set) collect(ctx context.Context, p *Python, app, out *os.Root, sources []source) error {
	var total int64
	for n, src := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, _, err := read(out, strconv.Itoa(n)+".pyc", maxPyc)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it does not compile
		}
		var text []byte
		if err == nil {
			if text, _, err = read(app, src.name, maxSource); err != nil {
				return err // the App itself is gone, or damaged
			}
			err = p.verify(data, text)
		}
		if err != nil {
			s.Refused = cmp.Or(s.Refused, fmt.Errorf("bytecode of %q is refused: %w", src.name, err))
			continue
		}
		if total += int64(len(data)); total > maxPycs {
			return fmt.Errorf("its bytecode has more than %d bytes", maxPycs)
		}
		if err := s.add(src.pyc, data); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) add(name string, data []byte) error {
	staged := s.staged(len(s.Files))
	f, err := os.OpenFile(staged, os.O_CREATE|os.O_EXCL|os.O_WRONLY, modeFile)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(modeFile), f.Close()); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	s.Files = append(s.Files, seal.File{Name: name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
	return nil
}

func (s *Set) staged(n int) string { return filepath.Join(s.stage, strconv.Itoa(n)) }

// Sync makes the set durable.
func (s *Set) Sync(ctx context.Context) error {
	root, err := os.OpenRoot(s.stage)
	if err != nil {
		return err
	}
	defer root.Close()
	names := make([]string, len(s.Files))
	for n := range s.Files {
		names[n] = strconv.Itoa(n)
	}
	return flush.Files(ctx, root, names)
}

// Record is what is to be recorded before the set takes the place of what old had compiled. What
// the package brought stays, unless Python had no use for it.
func (s *Set) Record(old *Record) *Record {
	r := &Record{Files: s.Files}
	replaced := make(map[string]bool, len(s.Files))
	for _, f := range s.Files {
		replaced[f.Name] = true
	}
	for _, f := range old.Brought {
		if !replaced[f.Name] {
			r.Brought = append(r.Brought, f)
		}
	}
	return r
}

// Place moves the set to its names in the installation dir, and removes what old had compiled and
// is not part of the set. Each file is moved at once: who reads meanwhile finds the old one, the
// new one or none. The set must be on the disk, and its record written. It goes on after a failure
// and returns the first.
func (s *Set) Place(dir string, old *Record, each func(name string)) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var first error
	made, placed := map[string]bool{}, make(map[string]bool, len(s.Files))
	for n, f := range s.Files {
		placed[f.Name] = true
		folder := path.Dir(f.Name)
		if !made[folder] {
			err = makeFolder(root, folder)
			made[folder] = err == nil
		}
		if err == nil {
			err = os.Rename(s.staged(n), filepath.Join(dir, filepath.FromSlash(f.Name)))
		}
		first = cmp.Or(first, err)
		err = nil
		each(f.Name)
	}
	for _, f := range old.Files {
		if placed[f.Name] {
			continue
		}
		if err := root.Remove(f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			first = cmp.Or(first, err)
		}
		each(f.Name)
	}
	return first
}

// makeFolder makes a __pycache__ unless the package brought one.
func makeFolder(root *os.Root, name string) error {
	err := root.Mkdir(name, modeDir)
	if err == nil {
		return root.Chmod(name, modeDir)
	}
	info, there := root.Lstat(name)
	if there == nil && info.IsDir() {
		return nil
	}
	return err
}
