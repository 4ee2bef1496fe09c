package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
)

const (
	// markFile holds what tells this store's folder from any other, above all
	// from the empty one below a file system that is not mounted.
	markFile = "tccloud.id"
	// tryEvery is the pause between looks at a folder that cannot be used.
	tryEvery = time.Second
	// sayEvery is the pause between log lines about it.
	sayEvery = time.Minute
	// tryRoom is what must be writable before a server is started again.
	tryRoom = 4 << 20
)

// readMark reads the folder's mark, or makes the one of a new folder.
func (s *Store) readMark() error {
	path := filepath.Join(s.dir, markFile)
	data, err := os.ReadFile(path)
	if err == nil && len(data) > 0 {
		s.mark, s.known = string(data), true
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mark = rand.Text()
	return atomicfile.WriteFile(path, []byte(s.mark), 0o600)
}

// reopen closes the server whose files failed and starts it again when its
// folder is there, is the same and takes writes. The first error of a file is final for a
// server, so nothing that was not durable is taken for stored: it reads all from the
// disk. Clients of it see what they would see of a server elsewhere that was away.
func (s *Store) reopen(ctx context.Context) error {
	s.unload()
	var said time.Time
	for {
		err := s.usable()
		if err == nil {
			err = s.load(ctx)
		}
		if err == nil {
			s.log.Info("store opened again", "folder", s.dir)
			return nil
		}
		s.note(time.Now(), fmt.Errorf("%w: %w", errBroken, err))
		if time.Since(said) > sayEvery {
			said = time.Now()
			s.log.Warn("store cannot be opened yet", "folder", s.dir, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tryEvery):
		}
	}
}

// making remembers how a bucket or stream is made.
func (s *Store) making(name string, f func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[name] = f
}

// remake makes again what the server did not find on the disk: what was
// made a moment before its end and not fsynced, because it is Relaxed.
func (s *Store) remake(ctx context.Context) error {
	s.mu.Lock()
	made := maps.Clone(s.made)
	s.mu.Unlock()
	for _, f := range made {
		if err := f(ctx); err != nil {
			return err
		}
	}
	return nil
}

// usable looks whether the folder is the one that was opened and keeps what
// is written to it.
func (s *Store) usable() error {
	mark, err := os.ReadFile(filepath.Join(s.dir, markFile))
	if err != nil {
		return err
	}
	if string(mark) != s.mark {
		return fmt.Errorf("%q is another store than the one that was open here", s.dir)
	}
	path := filepath.Join(s.dir, "tccloud.probe")
	defer func() { _ = os.Remove(path) }()
	return atomicfile.WriteFile(path, bytes.Repeat([]byte{1}, tryRoom), 0o600)
}
