package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
)

const (
	// markFile distinguishes this store's folder from any other, above all from the empty one below
	// a file system that is not mounted.
	markFile = "tccloud.id"
	// tryEvery is the pause between looks at a folder that cannot be used.
	tryEvery = time.Second
	// tryRoom is what must be writable before a server is started again.
	tryRoom = 4 << 20
)

// readMark reads the folder's mark, or makes the one of a new folder.
func (s *Server) readMark() error {
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

// Reopen closes the server whose files failed and starts another one as soon as the folder is
// there, is the same and takes writes. Until then it calls waiting about once a second with the
// reason, which wraps ErrBroken. It returns early when ctx ends.
//
// The first error of a file is final for a server, so nothing that was not durable is taken for
// stored: the next one reads all from the disk. Clients see what they would see of a server
// elsewhere that was away.
func (s *Server) Reopen(ctx context.Context, waiting func(error)) {
	s.Close()
	for {
		err := s.usable()
		if err == nil {
			err = s.start(ctx)
		}
		if err == nil {
			s.log.Info("store opened again", "folder", s.dir)
			return
		}
		waiting(fmt.Errorf("%w: %w", ErrBroken, err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(tryEvery):
		}
	}
}

// usable returns an error unless the folder is the one that was opened and keeps what is written to
// it.
func (s *Server) usable() error {
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
