package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/disk/space"
)

const (
	// maxBytes is what all archives take at most: those of some 35 Apps. share is the part of the
	// disk, as a divisor, if that is less.
	maxBytes = 1 << 30
	share    = 20
	// noteUse is how exactly the last use of an archive is known after a restart.
	noteUse = time.Hour
)

// Status says which archives there are, and why there are not more.
type Status struct {
	Count    int             `json:"count"`
	Bytes    int64           `json:"bytes"`
	Pending  int             `json:"pending"`
	Problems []build.Problem `json:"problems,omitempty"`
}

// Status is a snapshot.
func (s *Store) Status() Status {
	var st Status
	st.Pending, st.Problems = s.queue.State()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Count = len(s.there)
	for _, a := range s.there {
		st.Bytes += a.Size
	}
	return st
}

// use notes that an archive is used now.
func (s *Store) use(sha string, a *entry) {
	now := time.Now()
	s.mu.Lock()
	old := now.Sub(a.used) > noteUse
	a.used = now
	s.mu.Unlock()
	if old {
		_ = os.Chtimes(s.note(sha), now, now) // else it may go before its turn, after a restart
	}
}

// Prune removes the archives of Apps that are not installed any more, and the least recently used
// ones that are beyond the bound.
func (s *Store) Prune() error {
	most := s.MaxBytes
	if d, err := space.Of(s.dir); err == nil && d.Total > 0 {
		most = min(most, int64(d.Total/share))
	}
	type aged struct {
		sha string
		*entry
		used time.Time
	}
	var all []aged
	s.mu.Lock()
	for sha, a := range s.there {
		all = append(all, aged{sha, a, a.used})
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b aged) int { return b.used.Compare(a.used) })
	var bytes int64
	for _, a := range all {
		_, err := os.Lstat(filepath.Join(s.Programs, filepath.FromSlash(a.App)))
		if bytes+a.Size > most || errors.Is(err, fs.ErrNotExist) {
			s.drop(a.sha, a.entry)
			continue
		}
		bytes += a.Size
	}
	return nil
}
