package upload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
)

// part is the path of a partial file. The name that the agent sent is never used as a path.
func (s *Store) part(f File) string {
	sum := sha256.Sum256([]byte(f.Name))
	return filepath.Join(s.dir, f.Ref.String(), hex.EncodeToString(sum[:16]))
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for what was received: %w", err)
	}
	return info.Size(), nil
}

// admit makes the folder of an attempt, and refuses a file of so many bytes if the attempt has
// published too much. Other files that are being received count with their announced size, because
// they still grow.
func (s *Store) admit(f File, bytes int64) error {
	own := s.part(f)
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		return fmt.Errorf("making room: %w", err)
	}
	coming := s.announced(f)
	entries, err := os.ReadDir(filepath.Dir(own))
	if err != nil {
		return fmt.Errorf("making room: %w", err)
	}
	files := 0
	for _, e := range entries {
		if e.Name() == filepath.Base(own) {
			continue
		}
		files++
		if part := strings.Split(e.Name(), "."); len(part) == 3 { // <name>.<size>.done
			n, _ := strconv.ParseInt(part[1], 10, 64)
			bytes += n
		} else if info, err := e.Info(); err == nil && coming[e.Name()] == 0 {
			bytes += info.Size()
		}
	}
	for _, n := range coming {
		bytes += n
	}
	if files >= maxFiles || bytes > maxTotal {
		return fmt.Errorf("%w: at most %d files and %d bytes", ErrLimit, maxFiles, int64(maxTotal))
	}
	return nil
}

// announced returns the announced sizes of the other files of f's attempt that are being received,
// by the names of their parts.
func (s *Store) announced(f File) map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	coming := map[string]int64{}
	for other, t := range s.busy {
		if other.Ref == f.Ref && other != f {
			coming[filepath.Base(s.part(other))] = t.size
		}
	}
	return coming
}

// SweepPartial removes partial files that were not continued.
func (s *Store) SweepPartial() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("sweeping uploads: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keepPartial {
			if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil {
				return fmt.Errorf("sweeping uploads: %w", err)
			}
		}
	}
	return nil
}

// Sweep removes complete files that are older than retention. If these need more than bytes (0 = no
// bound), it removes the oldest of attempts for which ended is true.
func (s *Store) Sweep(ctx context.Context, retention time.Duration, bytes int64, ended func(wire.Ref) bool) error {
	objects, err := s.objects.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return fmt.Errorf("sweeping published files: %w", err)
	}
	slices.SortFunc(objects, func(a, b *jetstream.ObjectInfo) int { return a.ModTime.Compare(b.ModTime) })
	var all int64
	for _, o := range objects {
		all += int64(o.Size)
	}
	for _, o := range objects {
		if time.Since(o.ModTime) > retention || bytes > 0 && all > bytes && ended(attempt(o.Name)) {
			all -= int64(o.Size)
			if err := s.objects.Delete(ctx, o.Name); err != nil {
				return fmt.Errorf("sweeping published files: %w", err)
			}
		}
	}
	return nil
}

// attempt returns the attempt that published an object.
func attempt(object string) wire.Ref {
	ref, _, _ := strings.Cut(object, "/")
	dot := strings.LastIndexByte(ref, '.')
	n, err := strconv.Atoi(ref[dot+1:])
	if err != nil || dot < 0 {
		return wire.Ref{}
	}
	return wire.Ref{Order: wire.OrderID(ref[:dot]), Attempt: wire.Attempt(n)}
}
