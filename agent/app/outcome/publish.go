package outcome

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"tcenvsvr/agent/app/tcx"
)

// Bounds of what an App may publish.
const (
	maxPublished = 256      // files
	maxNames     = 32 << 10 // bytes of all their names
	maxSeen      = 20_000   // entries looked at
	maxDepth     = 16
	MaxFileSize  = 4 << 30 // bytes of one file
	dirBatch     = 256
)

// Published is one file that publishOutFiles matches.
type Published struct {
	Name string // below out, slashes
	Size int64  // bytes, at the time it was found
	Err  error  // why it is not delivered; File is nil then
	File *File
}

// File is opened when it is first read, so that a thousand of them cost
// nothing. Its content is judged anew then.
type File struct {
	jobDir, name string
	seen         os.FileInfo

	mu sync.Mutex
	f  *os.File
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	opened, err := f.open()
	if err != nil {
		return 0, err
	}
	return opened.ReadAt(p, off)
}

func (f *File) open() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f != nil {
		return f.f, nil
	}
	root, err := os.OpenRoot(f.jobDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	opened, info, err := open(root, f.name)
	if err != nil {
		return nil, err
	}
	if !os.SameFile(info, f.seen) {
		_ = opened.Close()
		return nil, fmt.Errorf("opening %q: %w: it was exchanged", f.name, ErrHostile)
	}
	f.f = opened
	return opened, nil
}

// Close implements io.Closer; a File that was never read closes as well.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

// Publish lists the files below out that match publishOutFiles, sorted by
// name. The caller closes each File.
func Publish(jobDir string, m tcx.Manifest) ([]Published, error) {
	patterns := make([]string, 0, len(m.PublishOutFiles))
	for _, p := range m.PublishOutFiles {
		if p = strings.TrimLeft(strings.TrimPrefix(p, "./"), "/"); p != "" {
			patterns = append(patterns, p)
		}
	}
	if len(patterns) == 0 {
		return nil, nil
	}
	root, err := os.OpenRoot(jobDir)
	if err != nil {
		return nil, fmt.Errorf("looking for published files: %w", err)
	}
	defer root.Close()
	w := &walk{root: root, jobDir: jobDir, patterns: patterns}
	err = w.folder("out", 0)
	slices.SortFunc(w.found, func(a, b Published) int { return strings.Compare(a.Name, b.Name) })
	if err != nil {
		return w.found, fmt.Errorf("looking for published files: %w", err)
	}
	return w.found, nil
}

type walk struct {
	root     *os.Root
	jobDir   string
	patterns []string
	seen     int
	names    int
	found    []Published
}

// folder looks through one folder in batches: an App may have filled it
// with millions of names.
func (w *walk) folder(dir string, depth int) error {
	info, err := w.root.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %q is no folder", ErrHostile, dir)
	}
	d, err := w.root.OpenFile(dir, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(dirBatch)
		for _, e := range entries {
			if w.seen++; w.seen > maxSeen {
				return fmt.Errorf("more than %d files in out", maxSeen)
			}
			name := path.Join(dir, e.Name())
			if e.IsDir() {
				if depth < maxDepth {
					if err := w.folder(name, depth+1); err != nil {
						return err
					}
				}
				continue
			}
			if err := w.file(name); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// file takes a file over if it matches. One that matches and may not be
// delivered is listed with the reason.
func (w *walk) file(name string) error {
	shown := strings.TrimPrefix(name, "out/")
	if !w.matches(shown) {
		return nil
	}
	w.names += len(shown)
	switch {
	case !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("%w: %q is not a name to publish", ErrHostile, shown)
	case len(w.found) >= maxPublished:
		return fmt.Errorf("more than %d files to publish", maxPublished)
	case w.names > maxNames:
		return fmt.Errorf("the names of files to publish have more than %d bytes", maxNames)
	}
	p := Published{Name: shown}
	info, err := w.root.Lstat(name)
	if err == nil {
		err = acceptable(name, info)
	}
	if err == nil && info.Size() > MaxFileSize {
		err = fmt.Errorf("%q has more than %d bytes", shown, int64(MaxFileSize))
	}
	if err != nil {
		p.Err = err
	} else {
		p.Size, p.File = info.Size(), &File{jobDir: w.jobDir, name: name, seen: info}
	}
	w.found = append(w.found, p)
	return nil
}

// matches: a pattern covers one level, as a shell's does. The contract's
// own two files are never published.
func (w *walk) matches(name string) bool {
	if name == "message.tc" || name == "results.tc" {
		return false
	}
	return slices.ContainsFunc(w.patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return p == name || (ok && err == nil)
	})
}
