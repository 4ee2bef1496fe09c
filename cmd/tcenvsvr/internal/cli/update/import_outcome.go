package update

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/updater"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/state"
)

// takenWithin is how long root's side may take to do what it is asked.
const takenWithin = 2 * time.Minute

// ask has a running agent see to the release, and waits until root's side
// has taken it. Where none runs it is taken when one starts.
func ask(ctx context.Context, e *env.Env, at slot.Paths, socket string, rel release.Release) error {
	asked := time.Now()
	switch err := control.Call(ctx, socket, "POST", "update-imported", rel.Version, nil); {
	case errors.Is(err, control.ErrNotRunning):
		if err := os.WriteFile(filepath.Join(at.Inbox, inbox.Apply), nil, 0o600); err != nil {
			return fmt.Errorf("importing release %s: %w", rel.Version, err)
		}
		_, err = fmt.Fprintf(e.Stderr, "release %s is verified and asked for; it is installed when the Environment Server starts, and runs from the start after that\n", rel.Version)
		return err
	case err != nil:
		return err
	}
	fmt.Fprintf(e.Stderr, "release %s is verified and asked for\n", rel.Version)
	ctx, cancel := context.WithTimeoutCause(ctx, takenWithin, updater.ErrStalled)
	defer cancel()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		taken, err := outcomeOf(at, rel, asked)
		if err != nil {
			return err
		}
		if taken {
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

// outcomeOf is what root's side says of the release since it was asked.
func outcomeOf(at slot.Paths, rel release.Release, asked time.Time) (taken bool, err error) {
	root, err := slot.ReadStatus(at.Status)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case root.Candidate != nil && string(root.Candidate.SHA256) == rel.SHA256, root.Selected != nil && string(root.Selected.SHA256) == rel.SHA256:
		return true, nil
	case root.Last != nil && root.Last.Phase == state.Refused && !root.Last.At.Before(asked.Truncate(time.Second)):
		return false, fmt.Errorf("release %s was refused (%s): %s", rel.Version, root.Last.Code, root.Last.Reason)
	}
	return false, nil
}
