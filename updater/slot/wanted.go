package slot

import (
	"errors"
	"fmt"
	"runtime"

	"tcenvsvr/updater/release"
	"tcenvsvr/updater/slot/install"
	"tcenvsvr/updater/slot/state"
)

// Refusal says why a release was not taken. The code is for the cloud.
type Refusal struct {
	Code string
	err  error
}

func (r *Refusal) Error() string { return r.err.Error() }
func (r *Refusal) Unwrap() error { return r.err }

func refuse(code, format string, args ...any) error {
	return &Refusal{code, fmt.Errorf(format, args...)}
}

// refusal gives every error of an apply its code.
func refusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return &Refusal{r.Code, err}
	}
	switch {
	case errors.Is(err, install.ErrNoRoom):
		return &Refusal{"no_room", err}
	case errors.Is(err, install.ErrContent):
		return &Refusal{"artifact", err}
	}
	return &Refusal{"failed", err}
}

// ready refuses while the host must not be changed.
func (s *Slots) ready(st state.State) error {
	switch {
	case st.Hold != "":
		return refuse("held", "no update is taken: %s; run \"tcenvsvr update resume\"", st.Hold)
	case st.Candidate != nil && st.OnTrial():
		return refuse("on_trial", "release %s is on trial", st.Candidate.Version)
	}
	return nil
}

// wanted finds the release that lies in the inbox: the newest signed one of
// this platform whose program is there. Names come from what is signed.
func (s *Slots) wanted(st state.State, box interface{ Has(sum string) bool }, releases []release.Release) (release.Release, error) {
	var found *release.Release
	for _, r := range releases {
		if r.OS != runtime.GOOS || r.Arch != runtime.GOARCH || !state.Sum(r.SHA256).Valid() || !box.Has(r.SHA256) {
			continue
		}
		if found == nil || state.Compare(r.Version, found.Version) > 0 {
			found = &r
		}
	}
	if found == nil {
		return release.Release{}, refuse("none", "no program in the inbox is signed for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	return *found, s.allowed(st, *found)
}

func (s *Slots) allowed(st state.State, r release.Release) error {
	// Not what should run but what can: a program that was damaged is
	// replaced by the same release.
	now := s.cfg.Version
	var runs *state.Image
	if st.Active != nil {
		runs = s.sound(st)
	}
	if runs != nil {
		now = runs.Version
	}
	switch mark := st.Marked(state.Sum(r.SHA256)); {
	case !state.IsVersion(r.Version) || r.Size <= 0 || r.Size > state.MaxSize:
		return refuse("metadata", "release %q of %d bytes cannot be", state.Text(r.Version), r.Size)
	case mark != nil && mark.Class == state.Policy:
		return refuse("blocked", "this host does not let release %s run (%s); allow it, then run \"tcenvsvr update resume\"", r.Version, mark.Reason)
	case mark != nil:
		return refuse("bad", "release %s failed on this host: %s", r.Version, mark.Reason)
	case runs != nil && string(runs.SHA256) == r.SHA256, runs == nil && st.BaselineSeen != nil && string(st.BaselineSeen.SHA256) == r.SHA256:
		return refuse("same", "release %s is what is active", r.Version)
	case st.Pin != "" && state.Compare(st.Pin, r.Version) != 0:
		return refuse("pinned", "only version %s is taken, not %s; run \"tcenvsvr update pin\" to change that", st.Pin, r.Version)
	case st.Pin == "" && state.Compare(r.Version, now) <= 0:
		return refuse("not_newer", "release %s is not newer than %s", r.Version, now)
	case r.MinFrom != "" && state.Compare(now, r.MinFrom) < 0:
		return refuse("min_from", "release %s replaces %s and later, here is %s", r.Version, r.MinFrom, now)
	}
	return nil
}
