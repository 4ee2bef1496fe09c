package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/disk/deeptree"
)

const trash = ".trash-"

// Janitor removes old sessions from Dir.
type Janitor struct {
	Dir string // exchange/jobs
	// RemoveAs removes a folder's content as the sandbox user (job.Executor.Clear); nil = what we
	// may not remove stays, with an error.
	RemoveAs func(ctx context.Context, dir string) error
	// Reap ends what still runs of a job in dir (job.Executor.Reap); nil = nothing runs.
	Reap   func(ctx context.Context, dir string) error
	Logger *slog.Logger // nil = discard
}

// Bounds of the sessions that stay.
type Bounds struct {
	Age   time.Duration // since something was last made in a session
	Bytes int64         // of all finished sessions, on the disk; 0 = no bound
	Files int64         // the same, inodes
}

// Sweep removes the sessions that are beyond the bounds, the oldest first, except guests and those
// for which keep is true. It goes on after a failure and returns all failures together.
func (j Janitor) Sweep(ctx context.Context, most Bounds, keep func(session string) bool) error {
	log := j.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	entries, err := os.ReadDir(j.Dir)
	if err != nil {
		return fmt.Errorf("removing old job folders: %w", err)
	}
	var errs []error
	var stay []finished
	removed := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if strings.HasPrefix(e.Name(), spare) {
			continue
		}
		gone, err := j.sweep(ctx, e.Name(), most.Age, keep)
		if err != nil {
			errs = append(errs, fmt.Errorf("removing old job folder %q: %w", e.Name(), err))
		}
		switch {
		case gone:
			removed++
		case most.Bytes > 0 && err == nil && j.isFinished(e.Name(), keep):
			stay = append(stay, measure(j.Dir, e.Name()))
		}
	}
	for _, f := range beyond(stay, most) {
		if keep(f.name) { // in use since
			continue
		}
		if gone, err := j.remove(ctx, f.name); err != nil {
			errs = append(errs, fmt.Errorf("removing old job folder %q: %w", f.name, err))
		} else if gone {
			removed++
		}
	}
	if removed > 0 {
		log.Info("old job folders removed", "count", removed)
	}
	return errors.Join(errs...)
}

func (j Janitor) sweep(ctx context.Context, name string, olderThan time.Duration, keep func(string) bool) (bool, error) {
	if own(name) {
		olderThan = min(olderThan, ownAge)
	}
	if !strings.HasPrefix(name, trash) && (strings.HasPrefix(name, guest) || keep(name) || time.Since(touched(filepath.Join(j.Dir, name))) < olderThan) {
		return false, nil
	}
	return j.remove(ctx, name)
}

// Remove removes one session.
func (j Janitor) Remove(ctx context.Context, session string) error {
	_, err := j.remove(ctx, session)
	return err
}

// remove removes a session, or what an earlier try left of it, and reports whether it did.
func (j Janitor) remove(ctx context.Context, name string) (bool, error) {
	path := filepath.Join(j.Dir, name)
	if !strings.HasPrefix(name, trash) {
		// Removing changes the times by which sessions are judged, so it is renamed first.
		gone := filepath.Join(j.Dir, trash+name)
		if err := os.Rename(path, gone); err != nil {
			if os.IsNotExist(err) {
				err = nil // another process was faster
			}
			return false, err
		}
		path = gone
	}
	err := removeAll(path)
	if err != nil && j.RemoveAs != nil {
		if err := j.RemoveAs(ctx, path); err != nil {
			return false, err
		}
		err = removeAll(path)
	}
	return err == nil, err
}

func removeAll(path string) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		if err := deeptree.Empty(path, false); err != nil {
			return err
		}
	}
	return os.RemoveAll(path)
}

// touched is the time at which something was last made or removed in the folder or in one of its
// folders; zero if there is no folder. A time in the future, from a clock that was wrong for a
// while, is set to now, so that the folder ages from here on.
func touched(dir string) time.Time {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return time.Time{}
	}
	defer root.Close()
	var last time.Time
	now := time.Now()
	for _, name := range append([]string{"."}, Folders...) {
		info, err := root.Lstat(name)
		if err != nil {
			continue
		}
		when := changed(info)
		if when.After(now) {
			if info.IsDir() {
				_ = root.Chtimes(name, now, now)
			}
			when = now
		}
		if when.After(last) {
			last = when
		}
	}
	return last
}
