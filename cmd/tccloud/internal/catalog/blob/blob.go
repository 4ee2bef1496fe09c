package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/singleflight"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// ErrNotFound means that there is no content with this digest.
var ErrNotFound = errors.New("no such content")

// Store is safe for concurrent use.
type Store struct {
	dir     string
	objects *bucket.Objects
	fetches singleflight.Group

	mu       sync.Mutex
	verified map[wire.SHA256]bool // cache files whose digest was checked by this process
}

// Open uses dir for the cache and removes what a crash left there.
func Open(dir string, objects *bucket.Objects) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the App cache: %w", err)
	}
	if err := atomicfile.Sweep(dir); err != nil {
		return nil, fmt.Errorf("opening the App cache: %w", err)
	}
	return &Store{dir: dir, objects: objects, verified: make(map[wire.SHA256]bool)}, nil
}

// Temp returns a file in the cache's folder to spool new content into. The caller removes it; after
// a crash Open does.
func (s *Store) Temp() (*os.File, error) { return os.CreateTemp(s.dir, ".spool.*.tmp") }

// Add stores the content of a file made by Temp, whose digest the caller has computed, and moves
// the file into the cache. The content is durable when Add returns.
func (s *Store) Add(ctx context.Context, sha wire.SHA256, f *os.File) error {
	if _, err := s.objects.GetInfo(ctx, string(sha)); err == nil {
		return nil // the same content is there already
	}
	return s.Put(ctx, sha, f)
}

// Put is Add that stores content anew which is there already: it may be damaged, and RemoveBefore leaves it.
func (s *Store) Put(ctx context.Context, sha wire.SHA256, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("storing content %s: %w", sha, err)
	}
	if err := s.objects.Put(ctx, jetstream.ObjectMeta{Name: string(sha)}, f); err != nil {
		return fmt.Errorf("storing content %s: %w", sha, err)
	}
	// The cache is not essential: a missing file is fetched, and a damaged one is noticed.
	if os.Rename(f.Name(), filepath.Join(s.dir, string(sha))) == nil {
		s.trust(sha)
	}
	return nil
}

// Open returns the content as a file, to be closed by the caller.
func (s *Store) Open(ctx context.Context, sha wire.SHA256) (*os.File, error) {
	if !sha.Valid() {
		return nil, ErrNotFound
	}
	path := filepath.Join(s.dir, string(sha))
	s.mu.Lock()
	known := s.verified[sha]
	s.mu.Unlock()
	if known {
		if f, err := os.Open(path); err == nil {
			return f, nil
		}
	}
	// One check or fetch for all callers; it must not end for the others when the first one goes
	// away.
	made := s.fetches.DoChan(string(sha), func() (any, error) {
		if intact(sha, path) {
			s.trust(sha)
			return nil, nil
		}
		return nil, s.fetch(context.WithoutCancel(ctx), sha, path)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-made:
		if r.Err != nil {
			return nil, r.Err
		}
	}
	return os.Open(path)
}

// intact checks a cache file's digest. A damaged file is fetched again from the object store.
func intact(sha wire.SHA256, path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == string(sha)
}

func (s *Store) trust(sha wire.SHA256) {
	s.mu.Lock()
	s.verified[sha] = true
	s.mu.Unlock()
}

// fetchTimeout bounds a fetch. Without a deadline of its own the store's client gives up after five
// seconds, whatever the size.
const fetchTimeout = 15 * time.Minute

func (s *Store) fetch(ctx context.Context, sha wire.SHA256, path string) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	object, err := s.objects.Get(ctx, string(sha))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("fetching content %s: %w", sha, err)
	}
	err = atomicfile.Write(path, 0o600, func(w io.Writer) error {
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, h), object); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != string(sha) {
			return fmt.Errorf("the object store holds content with digest %s", got)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("fetching content %s: %w", sha, err)
	}
	s.trust(sha)
	return nil
}

// attached is the name of the object with the small text that belongs to some content.
func attached(sha wire.SHA256) string { return string(sha) + ".minisig" }

// Attach stores a small text with some content, in the place of one that is there. It is durable
// when Attach returns, and goes with the content.
func (s *Store) Attach(ctx context.Context, sha wire.SHA256, text []byte) error {
	if err := s.objects.PutBytes(ctx, attached(sha), text); err != nil {
		return fmt.Errorf("storing what belongs to content %s: %w", sha, err)
	}
	return nil
}

// Attached returns the text that Attach stored, or ErrNotFound.
func (s *Store) Attached(ctx context.Context, sha wire.SHA256) ([]byte, error) {
	if !sha.Valid() {
		return nil, ErrNotFound
	}
	text, err := s.objects.GetBytes(ctx, attached(sha))
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading what belongs to content %s: %w", sha, err)
	}
	return text, nil
}

// Remove forgets the content and what is attached to it.
func (s *Store) Remove(ctx context.Context, sha wire.SHA256) error {
	err := s.objects.Delete(ctx, attached(sha))
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("removing what belongs to content %s: %w", sha, err)
	}
	err = s.objects.Delete(ctx, string(sha))
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("removing content %s: %w", sha, err)
	}
	s.mu.Lock()
	delete(s.verified, sha)
	s.mu.Unlock()
	if err := os.Remove(filepath.Join(s.dir, string(sha))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing content %s: %w", sha, err)
	}
	return nil
}

// RemoveBefore forgets content that was stored before t, and leaves what was stored again since.
func (s *Store) RemoveBefore(ctx context.Context, sha wire.SHA256, t time.Time) error {
	err := s.objects.DeleteBefore(ctx, string(sha), t)
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("removing content %s: %w", sha, err)
	}
	s.Trim(func(sum wire.SHA256) bool { return sum != sha })
	return nil
}

// Stored reports whether the object store, of which the cache is a copy, has the content undamaged.
func (s *Store) Stored(ctx context.Context, sha wire.SHA256) bool {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	object, err := s.objects.Get(ctx, string(sha))
	if err != nil {
		return false
	}
	h := sha256.New()
	_, err = io.Copy(h, object)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == string(sha)
}

// List returns when each content was stored that is in the object store.
func (s *Store) List(ctx context.Context) (map[wire.SHA256]time.Time, error) {
	list, err := s.objects.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stored := make(map[wire.SHA256]time.Time, len(list))
	for _, o := range list {
		if sum := wire.SHA256(o.Name); sum.Valid() {
			stored[sum] = o.ModTime
		}
	}
	return stored, nil
}

// Trim removes files of the cache whose content is not to be kept there; what the object store has stays.
func (s *Store) Trim(keep func(wire.SHA256) bool) {
	entries, _ := os.ReadDir(s.dir) // the next time, then
	for _, e := range entries {
		if sum := wire.SHA256(e.Name()); sum.Valid() && !keep(sum) {
			_ = os.Remove(filepath.Join(s.dir, e.Name()))
		}
	}
}
