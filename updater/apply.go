package updater

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/state"
)

const (
	lookEvery   = 200 * time.Millisecond // at what root's side says
	askEvery    = time.Minute            // again: a helper that was killed has removed the request
	applyWithin = 10 * time.Minute
	// aloneFor is how long the agent must run to count as healthy where the cloud
	// cannot be reached: a cloud that is down is not the release's fault.
	aloneFor = 15 * time.Minute
)

func (c Config) metadataDir() string { return filepath.Join(c.Inbox, inbox.Metadata) }

func (u *Updater) artifact(r release.Release) string {
	return filepath.Join(u.Inbox, inbox.Artifact+r.SHA256)
}

func (u *Updater) has(r release.Release) bool {
	info, err := os.Lstat(u.artifact(r))
	return err == nil && info.Mode().IsRegular() && info.Size() == r.Size // its hash is root's to check
}

// place gives the program the name under which root looks for it, and removes what
// else was downloaded.
func (u *Updater) place(path string, r release.Release) error {
	entries, err := os.ReadDir(u.Inbox)
	if err != nil {
		return fmt.Errorf("placing release %s: %w", r.Version, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), inbox.Artifact) {
			_ = os.Remove(filepath.Join(u.Inbox, e.Name()))
		}
	}
	if err := atomicfile.Rename(path, u.artifact(r)); err != nil {
		return fmt.Errorf("placing release %s: %w", r.Version, err)
	}
	return u.Fetch.Tidy("")
}

// ErrStalled means that root's side did nothing about a request.
var ErrStalled = errors.New("nobody took the release from the inbox: are the units threatconnect-envsvr-update.path and .timer active?")

// apply asks root's side for the swap and, when it is done, for the restart.
func (u *Updater) apply(ctx context.Context, rel release.Release) error {
	u.phase("applying", rel.Version, "")
	asked := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, applyWithin, ErrStalled)
	defer cancel()
	err := u.until(ctx, inbox.Apply, func() (bool, error) {
		root, err := u.root()
		switch {
		case err != nil:
			return false, err
		case root.Candidate != nil && string(root.Candidate.SHA256) == rel.SHA256:
			return true, nil
		case root.Last != nil && root.Last.Phase == state.Refused && !root.Last.At.Before(asked.Add(-time.Second)):
			return false, fmt.Errorf("release %s was refused (%s): %s", rel.Version, root.Last.Code, root.Last.Reason)
		}
		return false, nil
	})
	if err != nil {
		u.Report("update_refused", slog.String("version", rel.Version), slog.String("reason", err.Error()))
		return err
	}
	u.phase("applied", rel.Version, "")
	u.Report("update_applied", slog.String("version", rel.Version), slog.String("sha256", rel.SHA256))
	u.Restart("release " + rel.Version + " is in its slot")
	return nil
}

// prove reports to root's side that this program works, if it is the one on trial.
func (u *Updater) prove(ctx context.Context) {
	root, err := u.root()
	if err != nil || root.Phase != state.Trying || root.Selected == nil || root.Selected.Version != u.Version {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-u.healthy:
	case <-time.After(aloneFor):
		u.Logger.Warn("this release counts as healthy without a session: the cloud was not reached", "version", u.Version, "after", aloneFor.String())
	}
	err = u.until(ctx, inbox.Healthy, func() (bool, error) {
		root, err := u.root()
		return err == nil && root.Phase != state.Trying, nil
	})
	if err == nil {
		u.phase("good", u.Version, "")
		u.Report("update_confirmed", slog.String("version", u.Version))
	}
}

// until makes a request, again and again, until done says so.
func (u *Updater) until(ctx context.Context, request string, done func() (bool, error)) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var asked time.Time
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if time.Since(asked) >= askEvery {
			if err := os.WriteFile(filepath.Join(u.Inbox, request), nil, 0o600); err != nil {
				return fmt.Errorf("asking for an update: %w", err)
			}
			asked = time.Now()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}
