package janitor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/disk/filelock"
)

// guest begins the name of a session that nobody ordered. Those of orders
// end in a dot and a number; this has no dot.
const guest = "local-"

// Probe begins the name of a session that was made to see whether a job could run.
const Probe = "probe-"

// probeAge is how old a probe must be to be a crash's.
const probeAge = 10 * time.Minute

// lockFile is in Guest.Dir. Who holds it lives.
const lockFile = "lock"

// Guest is a session that nobody ordered, `tcenvsvr app run`. It lasts as
// long as its process: when that was killed, the next Janitor takes its things away.
type Guest struct {
	Session string
	Dir     string // what is the guest's besides: unpacked App, trusted CAs
	Job     string // the job's folder, which is not made yet
	release func()
}

// NewGuest makes Dir in the folder programs, as .<session>, and names Job in jobs; where
// jobs is "", below Dir. Dir is its owner's alone.
func NewGuest(programs, jobs string) (*Guest, error) {
	for try := 1; ; try++ {
		g := &Guest{Session: guest + strings.ToLower(rand.Text()[:12])}
		g.Dir = filepath.Join(programs, "."+g.Session)
		if g.Job = filepath.Join(jobs, g.Session); jobs == "" {
			g.Job = filepath.Join(g.Dir, "jobs", g.Session)
		}
		err := os.Mkdir(g.Dir, 0o700)
		if err == nil {
			if g.release, err = filelock.Try(filepath.Join(g.Dir, lockFile)); err == nil {
				if _, err = os.Lstat(filepath.Join(g.Dir, lockFile)); err != nil {
					g.release()
				}
			}
		}
		if err == nil {
			return g, nil
		}
		// A sweep that came between the folder and its lock takes it for a dead one's.
		if lost := errors.Is(err, fs.ErrNotExist) || errors.Is(err, filelock.ErrHeld); try == 3 || !lost {
			return nil, fmt.Errorf("making a folder for the App in %q: %w", programs, err)
		}
	}
}

// Leave removes the guest's things; j.Dir holds its job's folder.
func (g *Guest) Leave(ctx context.Context, j Janitor) error {
	defer g.release()
	if err := j.see(ctx, g); err != nil {
		return fmt.Errorf("removing the App's folders: %w", err)
	}
	return nil
}

// see sees a guest off: first the job's folder, so that one whose Dir is gone is nobody's.
func (j Janitor) see(ctx context.Context, g *Guest) error {
	if _, err := os.Lstat(g.Job); err == nil {
		j.Dir = filepath.Dir(g.Job)
		if _, err := j.remove(ctx, g.Session); err != nil {
			return err
		}
	}
	g.release() // before its file goes: Windows removes no open one
	return os.RemoveAll(g.Dir)
}

// SweepGuests removes what guests left who were killed. programs and jobs
// are those of NewGuest. It goes on after a failure and returns all of them together.
func (j Janitor) SweepGuests(ctx context.Context, programs, jobs string) error {
	var errs []error
	for _, e := range guests(programs, "."+guest) {
		g := &Guest{Session: e[1:], Dir: filepath.Join(programs, e)}
		if g.Job = filepath.Join(jobs, g.Session); jobs == "" {
			g.Job = filepath.Join(g.Dir, "jobs", g.Session)
		}
		release, err := filelock.Try(filepath.Join(g.Dir, lockFile))
		if err != nil {
			continue // it lives, or left in this moment
		}
		g.release = release
		errs = append(errs, j.bury(ctx, g))
	}
	if jobs == "" {
		return errors.Join(errs...)
	}
	for _, session := range guests(jobs, guest) {
		g := &Guest{Session: session, Dir: filepath.Join(programs, "."+session), Job: filepath.Join(jobs, session), release: func() {}}
		if _, err := os.Lstat(g.Dir); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, j.bury(ctx, g))
		}
	}
	return errors.Join(errs...)
}

// bury removes what a dead guest left, and its App first, if that has not ended yet.
func (j Janitor) bury(ctx context.Context, g *Guest) error {
	defer g.release()
	if _, err := os.Lstat(g.Job); err == nil && j.Reap != nil {
		if err := j.Reap(ctx, g.Job); err != nil {
			return fmt.Errorf("ending what %q left: %w", g.Session, err)
		}
	}
	if err := j.see(ctx, g); err != nil {
		return fmt.Errorf("removing what %q left: %w", g.Session, err)
	}
	return nil
}

// guests are the folders of ours in dir whose names begin so. Others may
// make such names, too, where it is the folder for temporary files.
func guests(dir, prefix string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // then there is nothing to look after
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), prefix) && info.IsDir() && Ours(info) {
			names = append(names, e.Name())
		}
	}
	return names
}
