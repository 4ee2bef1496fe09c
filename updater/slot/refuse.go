package slot

import (
	"errors"
	"fmt"
	"runtime"

	"tcenvsvr/agent/disk/space"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot/install"
	"tcenvsvr/updater/slot/state"
)

// Refusal says why a release was not installed. Its code is a key of [handover.RefusalHints].
type Refusal struct {
	Code string
	err  error
}

func (r *Refusal) Error() string { return r.err.Error() }
func (r *Refusal) Unwrap() error { return r.err }

func refuse(code, format string, args ...any) error {
	return &Refusal{code, fmt.Errorf(format, args...)}
}

// refusal gives every error of Apply a code.
func refusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return &Refusal{r.Code, err}
	}
	if _, other := errors.AsType[*install.HeaderError](err); other {
		return &Refusal{"platform", err}
	}
	switch {
	case errors.Is(err, space.ErrFull):
		return &Refusal{"no_room", err}
	case errors.Is(err, install.ErrContent):
		return &Refusal{"artifact", err}
	}
	return &Refusal{"failed", err}
}

// ready refuses every release while updates are held or one is on probation.
func (s *Slots) ready(st state.State) error {
	switch {
	case st.Hold != "":
		return refuse("held", "updates are held: %s; run \"tcenvsvr update resume\"", st.Hold)
	case st.Candidate != nil && st.OnProbation():
		return refuse("on_trial", "release %s is on trial", st.Candidate.Version)
	}
	return nil
}

// inInbox finds the release to install: the newest signed one of this platform whose program is in
// the inbox. It looks for names that are signed, never for names that it finds there.
func (s *Slots) inInbox(st state.State, box interface{ Has(sum string) bool }, releases []release.Release) (release.Release, error) {
	var found *release.Release
	for _, r := range releases {
		if r.OS != runtime.GOOS || r.Arch != runtime.GOARCH || !handover.Sum(r.SHA256).Valid() || !box.Has(r.SHA256) {
			continue
		}
		if found == nil || release.Compare(r.Version, found.Version) > 0 {
			found = &r
		}
	}
	if found == nil {
		return release.Release{}, refuse("none", "no program in the inbox is signed for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	return *found, s.allowed(st, *found)
}

// allowed refuses a release that this host must not change to.
func (s *Slots) allowed(st state.State, r release.Release) error {
	// Compare with the program that can run, not with the one that should: a damaged program is
	// replaced by the same release.
	now := s.cfg.Version
	var runs *handover.Image
	if st.Active != nil {
		runs = s.usable(st)
	}
	if runs != nil {
		now = runs.Version
	}
	switch mark := st.Marked(handover.Sum(r.SHA256)); {
	case mark != nil && mark.Class == handover.Policy:
		return refuse("blocked", "this host does not let release %s run (%s); allow it, then run \"tcenvsvr update resume\"", r.Version, mark.Reason)
	case mark != nil:
		return refuse("bad", "release %s failed on this host: %s", r.Version, mark.Reason)
	case runs != nil && string(runs.SHA256) == r.SHA256, runs == nil && st.BaselineSeen != nil && string(st.BaselineSeen.SHA256) == r.SHA256:
		return refuse("same", "release %s is what is active", r.Version)
	case st.Pin != "" && release.Compare(st.Pin, r.Version) != 0:
		return refuse("pinned", "only version %s is installed, not %s; run \"tcenvsvr update pin\" to change that", st.Pin, r.Version)
	case st.Pin == "" && release.Compare(r.Version, now) <= 0:
		return refuse("not_newer", "release %s is not newer than %s", r.Version, now)
	case r.MinFrom != "" && release.Compare(now, r.MinFrom) < 0:
		return refuse("min_from", "release %s replaces %s and later, here is %s", r.Version, r.MinFrom, now)
	}
	return nil
}
