package slot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot/install"
	"tcenvsvr/updater/slot/state"
)

// Apply installs the release in the inbox, if the agent requests it: from the next start on it is
// the candidate. It reports whether there was a request. A release that it refuses is a [*Refusal],
// which is also in the status.
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
	if asked, err = box.Consume(handover.RequestApply); err != nil || !asked {
		return asked, err
	}
	st, err := s.load()
	if err != nil {
		return true, err
	}
	before := st.Clone()
	r, err := s.apply(ctx, &st, box)
	if err != nil {
		// A slot that was vacated stays vacated: save st, not before.
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

func (s *Slots) apply(ctx context.Context, st *state.State, box *handover.Inbox) (release.Release, error) {
	if err := s.ready(*st); err != nil {
		return release.Release{}, err
	}
	signed, err := s.cfg.Verifier.Verify(ctx, box)
	if err != nil {
		return release.Release{}, refuse("metadata", "verifying the metadata: %w", err)
	}
	st.Revoke(signed.Revoked, time.Now())
	r, err := s.inInbox(*st, box, signed.Releases)
	if err != nil {
		return r, err
	}
	f, err := box.Artifact(r.SHA256, r.Size)
	if err != nil {
		return r, refuse("artifact", "opening release %s in the inbox: %w", r.Version, err)
	}
	defer f.Close()

	slot := s.free(*st)
	target := s.cfg.Program(slot)
	if err := s.prepare(filepath.Dir(target), r.Size); err != nil {
		return r, err
	}
	// From here on nothing may be started from that slot.
	kept := st.Clone()
	st.Vacate(slot)
	if !same(kept, *st) {
		if err := state.Save(s.stateFile(), *st); err != nil {
			return r, err
		}
	}
	err = install.Write(target, install.Program{
		Content: f, Size: r.Size, SHA256: r.SHA256,
		Header: install.Header{Product: s.cfg.Product, Version: r.Version, OS: runtime.GOOS, Arch: runtime.GOARCH},
	})
	if err != nil {
		return r, err
	}
	st.Stage(handover.Image{Slot: slot, Version: r.Version, SHA256: handover.Sum(r.SHA256), Size: r.Size}, time.Now())
	return r, nil
}

// free is the slot to write to: not that of the program that Select would choose now.
func (s *Slots) free(st state.State) handover.Slot {
	if p := s.usable(st); p != nil {
		return p.Slot.Other()
	}
	return handover.SlotA
}

// usable is the program of a slot that may be started; nil where there is none.
func (s *Slots) usable(st state.State) *handover.Image {
	for _, p := range []*handover.Image{st.Active, st.Previous} {
		if p != nil && st.Marked(p.SHA256) == nil && s.check(*p) == nil {
			return p
		}
	}
	return nil
}

// prepare makes the folder of a slot where it was lost, and checks that it is root's and has room
// for a program of size bytes.
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
	return checkRoom(dir, size)
}
