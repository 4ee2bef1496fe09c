package tcx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/flush"
	"tcenvsvr/agent/disk/space"
)

// Modes of what is unpacked, whatever the umask: the sandbox user reads, the agent writes.
const (
	modeFile = 0o644
	modeExec = 0o755
	modeDir  = 0o755
)

// reserve is kept free beyond what a package needs.
const reserve = 16 << 20

// extract writes all entries below dir and flushes them.
func (p *pack) extract(ctx context.Context, dir string) error {
	if err := space.Check(dir, p.bytes+reserve); err != nil {
		return &fault.Error{Code: fault.NoSpace, Err: fmt.Errorf("unpacking %s: %w", p.top, err)}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return &fault.Error{Code: fault.Store, Err: fmt.Errorf("unpacking %s: %w", p.top, err)}
	}
	defer root.Close()
	w := writer{root: root, dirs: map[string]bool{".": true}, buf: make([]byte, 64<<10)}
	for _, e := range p.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.write(e); err != nil {
			return classify(fmt.Errorf("unpacking %.200q: %w", e.Name, err))
		}
	}
	if err := w.flush(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return classify(fmt.Errorf("flushing %s: %w", p.top, err))
	}
	return nil
}

// errContent marks what is wrong with the archive rather than with the disk.
var errContent = errors.New("damaged entry")

func classify(err error) error {
	switch {
	case errors.Is(err, errContent):
		return &fault.Error{Code: fault.BadZip, Err: err}
	case errors.Is(err, os.ErrExist): // two names that are one to this file system only
		return &fault.Error{Code: fault.Duplicate, Err: err}
	case space.Full(err):
		return &fault.Error{Code: fault.NoSpace, Err: err}
	}
	return &fault.Error{Code: fault.Store, Err: err}
}

type writer struct {
	root  *os.Root
	dirs  map[string]bool // made so far
	files []string
	buf   []byte
}

func (w *writer) write(e entry) error {
	if e.dir {
		return w.mkdir(e.path)
	}
	if err := w.mkdir(path.Dir(e.path)); err != nil {
		return err
	}
	mode := os.FileMode(modeFile)
	if e.Mode()&0o111 != 0 {
		mode = modeExec
	}
	f, err := w.root.OpenFile(e.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if err := w.fill(f, e, mode); err != nil {
		_ = f.Close()
		return err
	}
	w.files = append(w.files, e.path)
	return f.Close()
}

func (w *writer) fill(f *os.File, e entry, mode os.FileMode) error {
	r, err := e.Open()
	if err != nil {
		return fmt.Errorf("%w: %v", errContent, err)
	}
	defer r.Close()
	// The size in the directory was checked; the data must have exactly that size.
	src := &source{r: io.LimitReader(r, int64(e.UncompressedSize64)+1)}
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, src, w.buf)
	switch {
	case src.err != nil:
		return fmt.Errorf("%w: %v", errContent, src.err)
	case err != nil:
		return err
	case n != int64(e.UncompressedSize64):
		return fmt.Errorf("%w: it is not as long as the directory says", errContent)
	}
	return f.Chmod(mode)
}

// source remembers the archive's own errors, so that they are not mistaken for the disk's.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// mkdir makes a folder and its parents.
func (w *writer) mkdir(dir string) error {
	if dir == "" || w.dirs[dir] {
		return nil
	}
	if err := w.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	if err := w.root.Mkdir(dir, modeDir); err != nil {
		return err
	}
	w.dirs[dir] = true
	return w.root.Chmod(dir, modeDir)
}

// flush makes everything durable.
func (w *writer) flush(ctx context.Context) error {
	if err := flush.Files(ctx, w.root, w.files); err != nil {
		return err
	}
	for name := range w.dirs {
		if err := syncDir(w.root, name); err != nil {
			return err
		}
	}
	return w.root.Chmod(".", modeDir)
}
