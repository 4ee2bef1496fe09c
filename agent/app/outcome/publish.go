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
	"unicode"
	"unicode/utf8"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/logging/plain"
)

// Bounds of what an App may publish. Files within them are delivered; the result names the others.
// Sizes are apparent sizes: a sparse file of a terabyte takes no room on this host, but all of it
// is sent to the cloud.
const (
	// MaxPublished is the number of files.
	MaxPublished = 256
	// MaxFileSize is the size of one file in bytes; the cloud takes no larger one.
	MaxFileSize = 1 << 30
	// MaxPublishedSize is the size of all files of a job together in bytes.
	MaxPublishedSize = 4 << 30
	// maxNames is the length of all their names in bytes: they travel in one message.
	maxNames = 32 << 10
	// maxSeen is the number of entries looked at below out.
	maxSeen = 20_000
	// maxDepth is how many folders may lie in each other.
	maxDepth = 16
	// maxListed is how many missing files are named; the others are counted.
	maxListed = 10
	// maxListedName is the length of such a name in bytes.
	maxListedName = 80

	dirBatch = 256
)

// Published is one file that publishOutFiles matches.
type Published struct {
	Name string // below out, slashes
	Size int64  // bytes, at the time it was found
	Err  error  // why it is not delivered; File is nil then
	File *File
}

// File is opened when it is first read, so that a thousand of them cost nothing. It is examined
// again then.
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

// Publish lists the files below out that match publishOutFiles, sorted by name. If there are more
// than may be published, it returns the first ones, and the error names those that are missing. The
// caller closes each File.
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
	if err = w.folder("out", 0); err != nil {
		err = fmt.Errorf("looking for published files: %w", err)
	}
	found, missing := w.bounded()
	return found, errors.Join(err, missing)
}

type walk struct {
	root     *os.Root
	jobDir   string
	patterns []string
	seen     int
	count    int      // names that match
	names    []string // the first of them, in order after trim
}

// bounded opens the files that may be published; its error names those that may not.
func (w *walk) bounded() ([]Published, error) {
	w.trim()
	var found []Published
	names, size := 0, int64(0)
	for _, name := range w.names {
		if names += len(name); names > maxNames || len(found) == MaxPublished {
			break
		}
		p := w.file(name)
		if p.Err == nil && p.Size > MaxPublishedSize-size {
			p = Published{Name: name, Size: p.Size, Err: fmt.Errorf("%q of %d bytes is not delivered: with it the files of this job would have more than %d bytes", name, p.Size, int64(MaxPublishedSize))}
		}
		if p.Err == nil {
			size += p.Size
		}
		found = append(found, p)
	}
	rest := w.count - len(found)
	if rest == 0 {
		return found, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "publishing %d of %d files: a job may publish %d files, whose names have %d bytes at most; missing: ", len(found), w.count, MaxPublished, maxNames)
	listed := w.names[len(found):]
	listed = listed[:min(len(listed), maxListed)]
	for i, name := range listed {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", plain.Head(name, maxListedName))
	}
	if more := rest - len(listed); more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return found, errors.New(b.String())
}

// trim drops names that are certainly beyond the bounds.
func (w *walk) trim() {
	slices.Sort(w.names)
	w.names = w.names[:min(len(w.names), MaxPublished+maxListed)]
}

// folder looks through one folder in batches: an App may have filled it with millions of names.
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
				return fmt.Errorf("more than %d files and folders in out: not all were looked at", maxSeen)
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
			w.add(strings.TrimPrefix(name, "out/"))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// add remembers a name that matches.
func (w *walk) add(name string) {
	if !w.matches(name) {
		return
	}
	w.count++
	w.names = append(w.names, name)
	if len(w.names) >= 4*(MaxPublished+maxListed) {
		w.trim()
	}
}

// file prepares one file, or says why it may not be delivered.
func (w *walk) file(shown string) Published {
	if !utf8.ValidString(shown) || strings.ContainsFunc(shown, unicode.IsControl) {
		return Published{Name: plain.Name(shown), Err: fmt.Errorf("%w: %q is not a name to publish", ErrHostile, shown)}
	}
	name := "out/" + shown
	info, err := w.root.Lstat(name)
	if err == nil {
		err = acceptable(name, info)
	}
	if err == nil && info.Size() > MaxFileSize {
		err = fmt.Errorf("%q has %d bytes; a published file has at most %d", shown, info.Size(), int64(MaxFileSize))
	}
	if err != nil {
		return Published{Name: shown, Err: err}
	}
	return Published{Name: shown, Size: info.Size(), File: &File{jobDir: w.jobDir, name: name, seen: info}}
}

// matches reports whether publishOutFiles names the file. A pattern covers one level, as in a
// shell. The contract's own two files are never published.
func (w *walk) matches(name string) bool {
	if name == "message.tc" || name == "results.tc" {
		return false
	}
	return slices.ContainsFunc(w.patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return p == name || (ok && err == nil)
	})
}
