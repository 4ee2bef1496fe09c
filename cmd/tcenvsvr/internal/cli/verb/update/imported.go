package update

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/updater"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/state"
)

// acceptable refuses what root's side would refuse later, when nobody looks.
func acceptable(at slot.Paths, rel release.Release) error {
	root, err := slot.ReadStatus(at.Status)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // not there: root's side never ran, so nothing is known against it
		return err
	}
	now := cmp.Or(root.Active, build.Version())
	_, reason := updater.Obstacle(root, now, rel)
	switch {
	case reason != "":
	case root.Pin != "" && release.Compare(root.Pin, rel.Version) != 0:
		reason = fmt.Sprintf("only version %s is taken here; \"tcenvsvr update pin %s\" changes that", root.Pin, rel.Version)
	case rel.MinFrom != "" && release.Compare(now, rel.MinFrom) < 0:
		reason = fmt.Sprintf("it replaces %s and later, %s runs here; import one between them first", rel.MinFrom, now)
	default:
		return nil
	}
	return fmt.Errorf("release %s is not installed: %s", rel.Version, reason)
}

// place puts the program into the inbox, alone: root's side takes the newest one.
func place(at slot.Paths, rel release.Release, program []byte) error {
	entries, err := os.ReadDir(at.Inbox)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), inbox.Artifact) {
			if err := os.Remove(filepath.Join(at.Inbox, e.Name())); err != nil {
				return err
			}
		}
	}
	return atomicfile.WriteFile(filepath.Join(at.Inbox, inbox.Artifact+rel.SHA256), program, 0o600)
}

// takenWithin is how long root's side may take to do what it is asked.
const takenWithin = 2 * time.Minute

// ask has a running agent see to the release, and waits until root's side
// has taken it. Where none runs it is taken when one starts.
func ask(ctx context.Context, e *verb.Env, at slot.Paths, socket string, rel release.Release) error {
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
