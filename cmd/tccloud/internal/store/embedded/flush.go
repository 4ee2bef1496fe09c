package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
)

// flushEvery is how much of a relaxed stream a power cut may take.
const flushEvery = time.Second

// fileState is the state of a file; it changes with each write.
type fileState struct {
	size int64
	at   time.Time
}

// Relax adds a stream to those that Flush syncs.
func (s *Server) Relax(stream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relaxed[stream] = true
}

// Flush syncs each second, until ctx ends, what was written to the relaxed streams. The server
// itself does that every two minutes, and never syncs its description of such a stream: a power cut
// soon after took the whole stream. It returns nil.
func (s *Server) Flush(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	durable := map[string]fileState{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if s.Failure() != nil {
			clear(durable)
			continue
		}
		s.mu.Lock()
		names := make([]string, 0, len(s.relaxed))
		for name := range s.relaxed {
			names = append(names, name)
		}
		s.mu.Unlock()
		seen := make(map[string]fileState, len(durable))
		for _, name := range names {
			if err := flushFolder(s.Folder(name), durable, seen); err != nil {
				s.Fail(err.Error())
				break
			}
		}
		durable = seen
	}
}

// flushFolder syncs the files below dir that differ from what durable says of them, and notes all
// in seen. It returns the error of a sync; a file that cannot even be opened was removed, or the
// next write to it says why.
func flushFolder(dir string, durable, seen map[string]fileState) error {
	fresh := map[string]bool{} // folders with names that may not be durable
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		now := fileState{info.Size(), info.ModTime()} // before the sync: what comes meanwhile is seen next time
		if was, known := durable[path]; !known {
			for at := filepath.Dir(path); len(at) >= len(filepath.Dir(dir)); at = filepath.Dir(at) {
				fresh[at] = true
			}
		} else if was == now {
			seen[path] = now
			return nil
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		seen[path] = now
		return nil
	})
	for at := range fresh {
		if syncErr := atomicfile.SyncDir(at); syncErr != nil && !errors.Is(syncErr, fs.ErrNotExist) {
			err = errors.Join(err, syncErr)
		}
	}
	if err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}
