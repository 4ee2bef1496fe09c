package update

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
)

// installTimeout is how long root's side may need to install the release.
const installTimeout = 2 * time.Minute

// requestInstall has a running agent install the release, and waits until root's side has installed
// or refused it. Without a running agent the release is installed when one starts.
func requestInstall(ctx context.Context, e *env.Env, at handover.Paths, socket string, rel release.Release) error {
	asked := time.Now()
	switch err := control.Call(ctx, socket, "POST", "update-imported", rel.Version, nil); {
	case errors.Is(err, control.ErrNotRunning):
		if err := handover.Ask(at.Inbox, handover.RequestApply); err != nil {
			return fmt.Errorf("importing release %s: %w", rel.Version, err)
		}
		_, err = fmt.Fprintf(e.Stderr, "release %s is verified and asked for; it is installed when the Environment Server starts, and runs from the start after that\n", rel.Version)
		return err
	case err != nil:
		return err
	}
	fmt.Fprintf(e.Stderr, "release %s is verified and asked for\n", rel.Version)
	ctx, cancel := context.WithTimeoutCause(ctx, installTimeout, updater.ErrStalled)
	defer cancel()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		installed, err := outcomeOf(at, rel, asked)
		if err != nil {
			return err
		}
		if installed {
			_, err := fmt.Fprintf(e.Stderr, "release %s is installed; the Environment Server restarts with it, and \"tcenvsvr update status\" shows how it does\n", rel.Version)
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("importing release %s: %w", rel.Version, context.Cause(ctx))
		case <-look.C:
		}
	}
}

// outcomeOf returns whether root's side has installed the release, and an error if it refused the
// release after it was asked.
func outcomeOf(at handover.Paths, rel release.Release, asked time.Time) (installed bool, err error) {
	root, err := handover.ReadStatus(at.Status)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case root.Candidate != nil && string(root.Candidate.SHA256) == rel.SHA256, root.Selected != nil && string(root.Selected.SHA256) == rel.SHA256:
		return true, nil
	case root.Last != nil && root.Last.Phase == handover.Refused && !root.Last.At.Before(asked.Truncate(time.Second)):
		return false, fmt.Errorf("release %s was refused (%s): %s", rel.Version, root.Last.Code, root.Last.Reason)
	}
	return false, nil
}
