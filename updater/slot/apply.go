package slot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot/image"
	"tcenvsvr/updater/slot/inbox"
	"tcenvsvr/updater/slot/install"
	"tcenvsvr/updater/slot/state"
)

// Apply takes the release that the agent put into the inbox, if it asks
// for it: from the next start on it is the candidate. It reports whether
// there was a request. What it refuses is a *Refusal, also in the status.
func (s *Slots) Apply(ctx context.Context) (asked bool, err error) {
	unlock, err := s.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	box, err := s.inbox()
	if err != nil {
		return false, err
	}
	defer box.Close()
	if asked, err = box.Take(inbox.Apply); err != nil || !asked {
		return asked, err
	}
	st, err := s.load()
	if err != nil {
		return true, err
	}
	before := st.Clone()
	r, err := s.apply(ctx, &st, box)
	if err != nil {
		// What was vacated stays so: st, not before.
		why := refusal(err)
		st.Refuse(r.Version, why.Code, why.Error(), time.Now())
		return true, errors.Join(why, s.save("apply", before, st))
	}
	if err := s.save("apply", before, st); err != nil {
		return true, err
	}
	s.log.Info("release applied", "version", r.Version, "sha256", r.SHA256)
	if err := box.RemoveArtifact(r.SHA256); err != nil {
		s.log.Warn("artifact not removed", "err", err)
	}
	return true, nil
}

func (s *Slots) apply(ctx context.Context, st *state.State, box *inbox.Inbox) (release.Release, error) {
	if err := s.ready(*st); err != nil {
		return release.Release{}, err
	}
	if s.cfg.Verifier == nil {
		return release.Release{}, errors.New("self-update: no verifier is configured")
	}
	signed, err := s.cfg.Verifier.Verify(ctx, box)
	if err != nil {
		return release.Release{}, refuse("metadata", "verifying the metadata: %w", err)
	}
	st.Revoke(signed.Revoked, time.Now())
	r, err := s.wanted(*st, box, signed.Releases)
	if err != nil {
		return r, err
	}
	f, err := box.Artifact(r.SHA256, r.Size)
	if err != nil {
		return r, refuse("artifact", "opening release %s in the inbox: %w", r.Version, err)
	}
	defer f.Close()

	slot := s.free(*st)
	target := s.path(slot)
	if err := s.prepare(filepath.Dir(target), r.Size); err != nil {
		return r, err
	}
	// From here on nobody may be started from that slot.
	kept := st.Clone()
	st.Vacate(slot)
	if !same(kept, *st) {
		if err := state.Save(s.stateFile(), *st); err != nil {
			return r, err
		}
	}
	want := image.Facts{Product: s.cfg.Product, Version: r.Version, OS: runtime.GOOS, Arch: runtime.GOARCH}
	err = install.Write(target, install.Program{Content: f, Size: r.Size, SHA256: r.SHA256, Check: func(p io.ReaderAt) error {
		got, err := image.Read(p)
		if err != nil {
			return refuse("platform", "release %s: %w", r.Version, err)
		}
		if err := got.Check(want); err != nil {
			return refuse("platform", "release %s: %w", r.Version, err)
		}
		return nil
	}})
	if err != nil {
		return r, err
	}
	st.Stage(state.Image{Slot: slot, Version: r.Version, SHA256: state.Sum(r.SHA256), Size: r.Size}, time.Now())
	return r, nil
}

// free is the slot that nothing is started from: not that of the program
// that select would choose now, and of the two others the less useful one.
func (s *Slots) free(st state.State) state.Slot {
	if p := s.sound(st); p != nil {
		return p.Slot.Other()
	}
	return state.A
}

// sound is the program of a slot that is worth keeping; nil is none.
func (s *Slots) sound(st state.State) *state.Image {
	for _, p := range []*state.Image{st.Active, st.Previous} {
		if p != nil && st.Marked(p.SHA256) == nil && s.check(*p) == nil {
			return p
		}
	}
	return nil
}

// prepare makes the slot's folder where it was lost, and asks for room.
func (s *Slots) prepare(dir string, size int64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for d := dir; len(d) > len(s.cfg.Slots); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}
	for d := dir; len(d) >= len(s.cfg.Slots); d = filepath.Dir(d) {
		if err := trusted(d, s.cfg.Owner, true); err != nil {
			return refuse("folder", "%w", err)
		}
	}
	if err := install.Room(dir, size); err != nil {
		return fmt.Errorf("self-update: %w", err)
	}
	return nil
}
