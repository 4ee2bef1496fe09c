package janitor

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// spare begins the name of the folder in which Spares are. It has no order's name, and no App may enter it.
const spare = ".spare-"

const (
	// spares is how many folders wait: as many orders as may come while one is made.
	spares = 4
	// spareRetry is how long Run waits after a failure.
	spareRetry = 10 * time.Second
)

// Spares are folders of jobs that are made before their orders come. Making one takes a dozen calls that
// change the file system, half a millisecond; giving it its name takes one.
//
// A spare lies where only the agent's user may enter, in a folder that inherits the group and the default ACL
// of exchange/jobs and hands them on. So it is what [Make] would have made, and nobody had it before. It is
// not used if the rights of exchange/jobs have changed since.
type Spares struct {
	jobs   string // exchange/jobs
	make   func(dir string) error
	logger *slog.Logger
	ready  chan spareFolder
}

// spareFolder is one.
type spareFolder struct{ dir, rights string }

// NewSpares returns Spares for jobs, of which there is none until Run runs. makes is what makes the folders of
// a job otherwise: [Make], or [MakeFor].
func NewSpares(jobs string, makes func(dir string) error, logger *slog.Logger) *Spares {
	return &Spares{jobs: jobs, make: makes, logger: logger, ready: make(chan spareFolder, spares)}
}

// Take makes the folder of a session in jobs, of a spare if there is one.
func (s *Spares) Take(dir string) error {
	select {
	case m := <-s.ready:
		if m.rights == rights(s.jobs) && os.Rename(m.dir, dir) == nil {
			return nil
		}
		_ = os.RemoveAll(m.dir)
	default:
	}
	return s.make(dir) // it is there from an earlier try, or make says why it cannot be made
}

// Run makes spares until ctx ends. It removes those that an agent before this one has left.
func (s *Spares) Run(ctx context.Context) error {
	s.sweep()
	defer s.sweep()
	var home spareFolder
	for n := 0; ctx.Err() == nil; n++ {
		m, err := s.one(&home, n)
		if err != nil {
			s.logger.Debug("folder of a job was not made in advance", "err", err)
			select {
			case <-time.After(spareRetry):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case s.ready <- m:
		case <-ctx.Done():
		}
	}
	return nil
}

// one makes a spare in home, which it makes if it is not there or has other rights than a new one would.
func (s *Spares) one(home *spareFolder, n int) (spareFolder, error) {
	now := rights(s.jobs)
	if _, err := os.Lstat(home.dir); err != nil || home.rights != now {
		dir, err := os.MkdirTemp(s.jobs, spare)
		if err != nil {
			return spareFolder{}, err
		}
		*home = spareFolder{dir, now}
	}
	m := spareFolder{filepath.Join(home.dir, strconv.Itoa(n)), now}
	if err := s.make(m.dir); err != nil {
		return spareFolder{}, errors.Join(err, os.RemoveAll(m.dir))
	}
	return m, nil
}

func (s *Spares) sweep() {
	entries, err := os.ReadDir(s.jobs)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), spare) {
			err = errors.Join(err, removeAll(filepath.Join(s.jobs, e.Name())))
		}
	}
	if err != nil {
		s.logger.Debug("folders that were made in advance are left", "err", err)
	}
}
