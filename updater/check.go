package updater

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
)

// check asks the cloud which release is wanted, downloads it, and installs it, as far as the policy
// allows. now means: do not wait for the window, as "update apply" asks. next, if not 0, is when to
// check again because the release has to wait.
func (u *Updater) check(ctx context.Context, now bool) (next time.Duration, err error) {
	policy := u.Policy()
	if policy.Mode == Off {
		u.phase("off", "", "updateMode is off")
		return 0, nil
	}
	root, err := u.root()
	if err != nil {
		u.phase("unavailable", "", err.Error())
		return 0, nil
	}
	want, err := u.Director.Wanted(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking the cloud which release is wanted: %w", err)
	}
	u.set(func(p *Progress) { p.Checked = time.Now() })
	if root.Pin != "" {
		want = Wanted{Version: root.Pin, Reason: "pinned on this host"}
	}
	if want.Version == "" || want.Version == u.Version {
		u.nothingWanted(root, want)
		return 0, nil
	}
	rel, err := u.find(ctx, want.Version)
	if err != nil {
		return 0, err
	}
	if phase, reason := Obstacle(root, u.Version, rel); phase != "" {
		u.phase(phase, rel.Version, reason)
		return 0, nil
	}
	if policy.Mode == Package || policy.Mode == Notify && !now {
		u.phase("available", rel.Version, map[Mode]string{
			Package: "updateMode is package: the package manager brings it",
			Notify:  `updateMode is notify: "tcenvsvr update apply" takes it`,
		}[policy.Mode])
		return 0, nil
	}
	if err := u.stage(ctx, rel, policy); err != nil {
		return 0, err
	}
	if wait, why := u.postponed(policy, want); wait > 0 && !now {
		u.phase("waiting", rel.Version, why)
		u.set(func(p *Progress) { p.Until = time.Now().Add(wait) })
		return min(wait, checkEvery), nil
	}
	return 0, u.apply(ctx, rel)
}

// nothingWanted records the phase where nothing else is wanted: how the last update ended.
func (u *Updater) nothingWanted(root handover.Status, want Wanted) {
	phase := "idle"
	if root.Phase == handover.Trying || root.Phase == handover.Good {
		phase = string(root.Phase)
	}
	u.phase(phase, want.Version, want.Reason)
}

// find verifies the metadata of the repository and returns the release of that version or, where
// that may not replace the running one directly, the first release between them.
func (u *Updater) find(ctx context.Context, version string) (release.Release, error) {
	trusted, err := u.Metadata.Refresh(ctx)
	if err != nil {
		return release.Release{}, err
	}
	u.set(func(p *Progress) { p.Expires = trusted.Expires })
	rel, err := trusted.Find(version, u.OS, u.Arch)
	if errors.Is(err, metadata.ErrNoRelease) {
		return rel, fmt.Errorf("the cloud wants a release that nobody signed: %w", err)
	}
	if err != nil {
		return rel, err
	}
	step, ok := u.firstStep(rel, trusted.For(u.OS, u.Arch))
	if !ok {
		return rel, fmt.Errorf("release %s replaces %s and later, here is %s, and no releases between them lead to it", rel.Version, rel.MinFrom, u.Version)
	}
	return step, nil
}

// firstStep is the next release to install in order to get to rel: rel itself where it may replace
// the running version, else the first one of a chain of releases that lead to it.
func (u *Updater) firstStep(rel release.Release, newestFirst []release.Release) (release.Release, bool) {
	if rel.MinFrom == "" || release.Compare(u.Version, rel.MinFrom) >= 0 {
		return rel, true
	}
	for _, r := range newestFirst {
		between := release.Compare(r.Version, u.Version) > 0 && release.Compare(r.Version, rel.Version) < 0
		if !between || release.Compare(r.Version, rel.MinFrom) < 0 {
			continue
		}
		if first, ok := u.firstStep(r, newestFirst); ok {
			return first, true
		}
	}
	return rel, false
}

// Obstacle returns the phase and the reason why root would refuse the release on this host, on
// which version now runs; both are "" where it would not. Such a release is not even downloaded.
func Obstacle(root handover.Status, now string, rel release.Release) (phase, reason string) {
	i := slices.IndexFunc(root.Bad, func(m handover.Mark) bool { return string(m.SHA256) == rel.SHA256 })
	switch {
	case i >= 0 && root.Bad[i].Class == handover.Policy:
		return "blocked", root.Bad[i].Reason + `; allow it on this host, then run "tcenvsvr update resume"`
	case i >= 0:
		return "rolled_back", fmt.Sprintf("it failed here: %s; \"tcenvsvr update resume\" tries it again", root.Bad[i].Reason)
	case root.Hold != "":
		return "held", root.Hold + `; "tcenvsvr update resume" ends that`
	case root.Pin == "" && release.Compare(rel.Version, now) == 0:
		return "not_newer", "it is what runs here"
	case root.Pin == "" && release.Compare(rel.Version, now) < 0:
		return "not_newer", fmt.Sprintf("%s runs here; going back takes \"tcenvsvr update pin %s\"", now, rel.Version)
	}
	return "", ""
}

// stage downloads the program into the inbox, where it is not there yet, and verifies it.
func (u *Updater) stage(ctx context.Context, rel release.Release, policy Policy) error {
	if u.has(rel) {
		u.phase("staged", rel.Version, "")
		return nil
	}
	u.phase("downloading", rel.Version, "")
	fetch := u.Fetch
	fetch.Rate = policy.Rate
	res, err := fetch.Release(ctx, rel, u.Program)
	if err != nil {
		return err
	}
	if res.Why != nil {
		u.Logger.Warn("delta not used, the whole program was fetched", "version", rel.Version, "err", res.Why)
	}
	if err := u.place(res.Path, rel); err != nil {
		return err
	}
	how := "whole"
	if res.Delta {
		how = "delta"
	}
	u.Report("update_staged", slog.String("version", rel.Version), slog.String("sha256", rel.SHA256), slog.Int64("bytes", res.Bytes), slog.String("as", how))
	u.phase("staged", rel.Version, "")
	u.set(func(p *Progress) { p.Download = fmt.Sprintf("%d bytes, %s", res.Bytes, how) })
	return nil
}

// postponed returns how long the release must wait, and for what; 0 is not at all.
func (u *Updater) postponed(policy Policy, want Wanted) (time.Duration, string) {
	if want.Wait > 0 {
		return want.Wait, "the cloud says not before " + time.Now().Add(want.Wait).Format(time.RFC3339)
	}
	if open, wait := policy.Window.Open(time.Now()); !open {
		return wait, "for the window to open at " + time.Now().Add(wait).Format(time.RFC3339)
	}
	return 0, ""
}

// applyImported installs a release that somebody put into the inbox together with its metadata.
func (u *Updater) applyImported(ctx context.Context, version string) error {
	trusted, err := u.Metadata.Cached(ctx)
	if err != nil {
		return err
	}
	rel, err := trusted.Find(version, u.OS, u.Arch)
	if err != nil {
		return err
	}
	if !u.has(rel) {
		return fmt.Errorf("release %s is not in the inbox", version)
	}
	return u.apply(ctx, rel)
}
