package updater

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
)

const (
	lookEvery   = 200 * time.Millisecond // at the status that root writes
	askEvery    = time.Minute            // repeat a request: a helper that was killed has removed it
	applyWithin = 10 * time.Minute
	// aloneFor is how long the agent must run to count as healthy where the cloud cannot be
	// reached: a cloud that is down is not the release's fault.
	aloneFor = 15 * time.Minute
)

// has reports whether the program of a release lies in the inbox. Root verifies its content.
func (u *Updater) has(r release.Release) bool {
	info, err := os.Lstat(handover.ArtifactFile(u.Inbox, r.SHA256))
	return err == nil && info.Mode().IsRegular() && info.Size() == r.Size
}

// place moves a downloaded program to where root looks for it, and removes other downloads.
func (u *Updater) place(path string, r release.Release) error {
	if err := handover.RemoveArtifacts(u.Inbox); err != nil {
		u.Logger.Warn("older download not removed", "err", err)
	}
	if err := atomicfile.Rename(path, handover.ArtifactFile(u.Inbox, r.SHA256)); err != nil {
		return fmt.Errorf("placing release %s: %w", r.Version, err)
	}
	return u.Fetch.Tidy("")
}

// ErrStalled means that root did not act on a request in time.
var ErrStalled = errors.New("nobody took the release from the inbox: are the units threatconnect-envsvr-update.path and .timer active?")

// apply asks root to install the release and, when that is done, has the agent restarted.
func (u *Updater) apply(ctx context.Context, rel release.Release) error {
	u.phase("applying", rel.Version, "")
	asked := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, applyWithin, ErrStalled)
	defer cancel()
	err := u.request(ctx, handover.RequestApply, func() (bool, error) {
		root, err := u.root()
		switch {
		case err != nil:
			return false, err
		case root.Candidate != nil && string(root.Candidate.SHA256) == rel.SHA256:
			return true, nil
		case root.Last != nil && root.Last.Phase == handover.Refused && !root.Last.At.Before(asked.Add(-time.Second)):
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

// confirm tells root that this program works, if it is on probation: after its first session with
// the cloud, or after aloneFor without one.
func (u *Updater) confirm(ctx context.Context) {
	root, err := u.root()
	if err != nil || root.Phase != handover.Trying || root.Selected == nil || root.Selected.Version != u.Version {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-u.healthy:
	case <-time.After(aloneFor):
		u.Logger.Warn("this release counts as healthy without a session: the cloud was not reached", "version", u.Version, "after", aloneFor.String())
	}
	err = u.request(ctx, handover.RequestHealthy, func() (bool, error) {
		root, err := u.root()
		return err == nil && root.Phase != handover.Trying, nil
	})
	if err == nil {
		u.phase("good", u.Version, "")
		u.Report("update_confirmed", slog.String("version", u.Version))
	}
}

// request makes a request of root, and repeats it until done reports true or an error.
func (u *Updater) request(ctx context.Context, request string, done func() (bool, error)) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var asked time.Time
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if time.Since(asked) >= askEvery {
			if err := handover.Ask(u.Inbox, request); err != nil {
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
