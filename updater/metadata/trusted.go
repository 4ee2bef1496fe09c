package metadata

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"tcenvsvr/updater/release"
)

// ErrNoRelease means that the repository has no release of that version for this platform.
var ErrNoRelease = errors.New("no such release")

// Trusted is what a verified repository says.
type Trusted struct {
	Releases []release.Release // of all platforms, newest first
	Revoked  []string          // SHA-256 of programs that must not run any more
	Versions map[string]int64  // of root, timestamp, snapshot and targets
	Expires  time.Time         // the first of the four to expire
	SignedAt time.Time         // when the timestamp was signed; zero = not known
}

// Find returns the release of a version for a platform, or [ErrNoRelease].
func (t *Trusted) Find(version, goos, goarch string) (release.Release, error) {
	for _, r := range t.Releases {
		if r.Version == version && r.OS == goos && r.Arch == goarch {
			return r, nil
		}
	}
	return release.Release{}, fmt.Errorf("%w: %q for %s/%s", ErrNoRelease, version, goos, goarch)
}

// For returns the releases for a platform, newest first.
func (t *Trusted) For(goos, goarch string) []release.Release {
	return slices.DeleteFunc(slices.Clone(t.Releases), func(r release.Release) bool { return r.OS != goos || r.Arch != goarch })
}

func newTrusted(set *trustedmetadata.TrustedMetadata) (*Trusted, error) {
	targets := set.Targets[metadata.TARGETS].Signed
	t := &Trusted{Versions: versions(set), SignedAt: signedAt(set.Timestamp), Expires: set.Root.Signed.Expires}
	for _, at := range []time.Time{set.Timestamp.Signed.Expires, set.Snapshot.Signed.Expires, targets.Expires} {
		if at.Before(t.Expires) {
			t.Expires = at
		}
	}
	for name, file := range targets.Targets {
		if file == nil || file.Custom == nil {
			return nil, fmt.Errorf("reading target %.100q: it has no custom data", name)
		}
		r, err := release.Decode(name, file.Length, file.Hashes["sha256"], *file.Custom)
		if err != nil {
			return nil, err
		}
		t.Releases = append(t.Releases, r)
	}
	slices.SortFunc(t.Releases, func(a, b release.Release) int {
		if c := release.Compare(b.Version, a.Version); c != 0 {
			return c
		}
		return slices.Compare([]string{a.OS, a.Arch}, []string{b.OS, b.Arch})
	})
	revoked, _ := targets.UnrecognizedFields["revoked"].([]any)
	for _, r := range revoked {
		if text, ok := r.(string); ok {
			t.Revoked = append(t.Revoked, text)
		}
	}
	return t, nil
}
