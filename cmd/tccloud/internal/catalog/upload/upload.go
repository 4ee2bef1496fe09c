package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Errors that become status codes.
var (
	ErrName   = errors.New("not a file name")
	ErrOffset = errors.New("not the next byte")
	ErrDigest = errors.New("digest differs")
	ErrLimit  = errors.New("more than an execution may publish")
)

// Limits of one attempt at an order.
const (
	MaxFile  = 1 << 30 // bytes of one file
	maxFiles = 1000
	maxTotal = 4 << 30 // bytes of all files
)

// keepPartial is how long partial files stay that are not continued.
const keepPartial = 8 * 24 * time.Hour

// File names one published file.
type File struct {
	wire.Ref
	Name string // relative, with /
}

func (f File) object() string { return f.Ref.String() + "/" + f.Name }

// Whole describes the complete file.
type Whole struct {
	Size   int64
	SHA256 wire.SHA256
}

// Store is safe for concurrent use.
type Store struct {
	dir     string
	objects *bucket.Objects

	mu   sync.Mutex
	busy map[File]*transfer
}

// transfer is one Put that writes a file.
type transfer struct {
	size      int64 // of the whole file
	interrupt func()
	done      chan struct{}
}

// Open keeps partial files in dir.
func Open(dir string, objects *bucket.Objects) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the upload folder: %w", err)
	}
	return &Store{dir: dir, objects: objects, busy: make(map[File]*transfer)}, nil
}

// Check returns an error for a name that a published file cannot have.
func (f File) Check() error {
	bad := !f.Order.Valid() || f.Attempt < 1 ||
		len(f.Name) > 1024 || f.Name == "." || !fs.ValidPath(f.Name) ||
		strings.ContainsFunc(f.Name, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' })
	if bad {
		return fmt.Errorf("%w: %.80q", ErrName, f.Name)
	}
	return nil
}

// Held returns how many bytes of the file were received.
func (s *Store) Held(ctx context.Context, f File) (int64, error) {
	if err := f.Check(); err != nil {
		return 0, err
	}
	if whole, ok, err := s.complete(ctx, f); err != nil || ok {
		return whole.Size, err
	}
	return size(s.part(f))
}

func (s *Store) complete(ctx context.Context, f File) (Whole, bool, error) {
	info, err := s.objects.GetInfo(ctx, f.object())
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return Whole{}, false, nil
	}
	if err != nil {
		return Whole{}, false, fmt.Errorf("asking for %q: %w", f.Name, err)
	}
	return Whole{int64(info.Size), wire.SHA256(info.Metadata["sha256"])}, true, nil
}

// Put appends body, which begins at offset. It returns how many bytes are held now: w.Size only if
// the digest is right and the file is stored durably. It first ends an older Put of the same file
// by that one's interrupt function, which must make the Read of its body return.
func (s *Store) Put(ctx context.Context, f File, offset int64, w Whole, body io.Reader, interrupt func()) (held int64, err error) {
	switch {
	case f.Check() != nil:
		return 0, f.Check()
	case w.Size < 0 || w.Size > MaxFile:
		return 0, fmt.Errorf("%w: %d bytes in one file, at most %d", ErrLimit, w.Size, MaxFile)
	case offset < 0 || offset > w.Size || !w.SHA256.Valid():
		return 0, fmt.Errorf("%w: offset %d of %d bytes", ErrOffset, offset, w.Size)
	}
	end, err := s.begin(ctx, f, w.Size, interrupt)
	if err != nil {
		return 0, err
	}
	defer end()
	have, ok, err := s.complete(ctx, f)
	switch {
	case err != nil:
		return 0, err
	case ok && have == w:
		return w.Size, nil
	case ok: // the attempt's file changed: the newest counts
		if err := s.objects.Delete(ctx, f.object()); err != nil {
			return 0, fmt.Errorf("replacing %q: %w", f.Name, err)
		}
		return 0, fmt.Errorf("%w: another version of %q was complete", ErrDigest, f.Name)
	}
	return s.take(ctx, f, offset, w, body)
}

// begin ends an older Put of the file, and waits for it.
func (s *Store) begin(ctx context.Context, f File, size int64, interrupt func()) (end func(), err error) {
	mine := &transfer{size, interrupt, make(chan struct{})}
	for {
		s.mu.Lock()
		other := s.busy[f]
		if other == nil {
			s.busy[f] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.busy, f)
				s.mu.Unlock()
				close(mine.done)
			}, nil
		}
		s.mu.Unlock()
		other.interrupt()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Store) take(ctx context.Context, f File, offset int64, w Whole, body io.Reader) (int64, error) {
	path := s.part(f)
	held, err := size(path)
	if err != nil {
		return 0, err
	}
	if held != offset {
		return held, fmt.Errorf("%w: %d bytes of %q are here", ErrOffset, held, f.Name)
	}
	if err := s.admit(f, w.Size); err != nil {
		return held, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return held, fmt.Errorf("receiving %q: %w", f.Name, err)
	}
	defer file.Close()
	n, err := io.Copy(file, io.LimitReader(body, w.Size-offset))
	held += n
	if held < w.Size {
		if pe, ok := errors.AsType[*fs.PathError](err); ok { // the disk failed, not the network
			return held, fmt.Errorf("receiving %q: %w", f.Name, pe)
		}
		return held, nil // broken off: the next piece goes on here
	}
	return s.finish(ctx, f, w, file)
}

// finish checks the complete file and moves it to the object store.
func (s *Store) finish(ctx context.Context, f File, w Whole, file *os.File) (int64, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, w.Size)); err != nil {
		return w.Size, fmt.Errorf("checking %q: %w", f.Name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != string(w.SHA256) {
		if err := os.Remove(file.Name()); err != nil {
			return 0, fmt.Errorf("discarding %q: %w", f.Name, err)
		}
		return 0, fmt.Errorf("%w: %q has %s, announced was %s", ErrDigest, f.Name, got, w.SHA256)
	}
	meta := jetstream.ObjectMeta{Name: f.object(), Metadata: map[string]string{"sha256": string(w.SHA256)}}
	// Storing a large file takes a while. If the agent asks again meanwhile, its next Put waits for
	// this one, which must not start over each time.
	if err := s.objects.Put(context.WithoutCancel(ctx), meta, io.NewSectionReader(file, 0, w.Size)); err != nil {
		return w.Size, fmt.Errorf("storing %q: %w", f.Name, err)
	}
	// The renamed file remains, so that admit counts its size.
	if err := os.Rename(file.Name(), fmt.Sprintf("%s.%d.done", file.Name(), w.Size)); err != nil {
		return w.Size, fmt.Errorf("storing %q: %w", f.Name, err)
	}
	return w.Size, os.Truncate(fmt.Sprintf("%s.%d.done", file.Name(), w.Size), 0)
}

// Get returns a complete file; fs.ErrNotExist where there is none.
func (s *Store) Get(ctx context.Context, f File) (io.ReadCloser, Whole, error) {
	if err := f.Check(); err != nil {
		return nil, Whole{}, err
	}
	object, err := s.objects.Get(ctx, f.object())
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, Whole{}, fmt.Errorf("file %q: %w", f.Name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, Whole{}, fmt.Errorf("reading %q: %w", f.Name, err)
	}
	return object, Whole{int64(object.Size), wire.SHA256(object.Metadata["sha256"])}, nil
}
