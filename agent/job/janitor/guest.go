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

// guest begins the name of a session without an order. Names of orders' sessions end in a dot and a
// number; this has no dot.
const guest = "local-"

// Probe begins the name of a session that was made to see whether a job could run.
const Probe = "probe-"

// Build begins the name of a session in which something is made of an App, such as its bytecode.
const Build = "build-"

// ownAge is the age at which a probe or a build must have been left by a crash.
const ownAge = 10 * time.Minute

// own reports whether a session is the agent's own: neither an order's nor a guest.
func own(session string) bool {
	return strings.HasPrefix(session, Probe) || strings.HasPrefix(session, Build)
}

// lockFile is in Guest.Dir. The guest holds it as long as it lives.
const lockFile = "lock"

// Guest is a session without an order, "tcenvsvr app run". It lasts as long as its process: if that
// was killed, [Janitor.SweepGuests] removes its folders.
type Guest struct {
	Session string
	Dir     string // all else of the guest: unpacked App, trusted CAs
	Job     string // the job's folder, which is not made yet
	release func()
}

// NewGuest makes Dir in the folder programs, as .<session>, and names Job in jobs, or below Dir if
// jobs is "". Only the owner of Dir may enter it.
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
		// A sweep between the making of the folder and of its lock takes it for that of a dead
		// guest.
		if lost := errors.Is(err, fs.ErrNotExist) || errors.Is(err, filelock.ErrHeld); try == 3 || !lost {
			return nil, fmt.Errorf("making a folder for the App in %q: %w", programs, err)
		}
	}
}

// Leave removes the guest's folders; j.Dir holds its job's folder.
func (g *Guest) Leave(ctx context.Context, j Janitor) error {
	defer g.release()
	if err := j.removeGuest(ctx, g); err != nil {
		return fmt.Errorf("removing the App's folders: %w", err)
	}
	return nil
}

// removeGuest removes the job's folder first, so that a job's folder without a Dir is garbage.
func (j Janitor) removeGuest(ctx context.Context, g *Guest) error {
	if _, err := os.Lstat(g.Job); err == nil {
		j.Dir = filepath.Dir(g.Job)
		if _, err := j.remove(ctx, g.Session); err != nil {
			return err
		}
	}
	g.release() // before the file is removed: Windows removes no open file
	return os.RemoveAll(g.Dir)
}

// SweepGuests removes what guests left that were killed. programs and jobs are those of [NewGuest].
// It goes on after a failure and returns all failures together.
func (j Janitor) SweepGuests(ctx context.Context, programs, jobs string) error {
	var errs []error
	for _, e := range guests(programs, "."+guest) {
		g := &Guest{Session: e[1:], Dir: filepath.Join(programs, e)}
		if g.Job = filepath.Join(jobs, g.Session); jobs == "" {
			g.Job = filepath.Join(g.Dir, "jobs", g.Session)
		}
		release, err := filelock.Try(filepath.Join(g.Dir, lockFile))
		if err != nil {
			continue // it lives, or leaves at this moment
		}
		g.release = release
		errs = append(errs, j.removeDead(ctx, g))
	}
	if jobs == "" {
		return errors.Join(errs...)
	}
	for _, session := range guests(jobs, guest) {
		g := &Guest{Session: session, Dir: filepath.Join(programs, "."+session), Job: filepath.Join(jobs, session), release: func() {}}
		if _, err := os.Lstat(g.Dir); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, j.removeDead(ctx, g))
		}
	}
	return errors.Join(errs...)
}

// removeDead removes what a dead guest left. If its App still runs, that is ended first.
func (j Janitor) removeDead(ctx context.Context, g *Guest) error {
	defer g.release()
	if _, err := os.Lstat(g.Job); err == nil && j.Reap != nil {
		if err := j.Reap(ctx, g.Job); err != nil {
			return fmt.Errorf("ending what %q left: %w", g.Session, err)
		}
	}
	if err := j.removeGuest(ctx, g); err != nil {
		return fmt.Errorf("removing what %q left: %w", g.Session, err)
	}
	return nil
}

// guests are the folders in dir that are ours and whose names begin with prefix. In the folder for
// temporary files other users may make such names, too.
func guests(dir, prefix string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // then there are none
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), prefix) && info.IsDir() && Ours(info) {
			names = append(names, e.Name())
		}
	}
	return names
}
