package repository

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/delta"
	"tcenvsvr/updater/release"
)

// Add copies a program into the repository and stages targets that name it. It computes Size,
// SHA256 and Deltas of rel: it makes a delta from each old program, and drops one that is not much
// smaller than the whole. It is an error to add a version again with other bytes.
func (r *Repository) Add(program string, rel release.Release, olds ...string) (release.Release, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return rel, fmt.Errorf("adding a release: %w", err)
	}
	rel.Size, rel.SHA256, rel.Deltas = int64(len(data)), hash(data), nil
	if err := rel.Check(); err != nil {
		return rel, fmt.Errorf("adding release %q of %q: %w", rel.Version, program, err)
	}
	targets, err := r.nextTargets()
	if err != nil {
		return rel, err
	}
	if old, ok := targets.Signed.Targets[rel.Name()]; ok && hex.EncodeToString(old.Hashes["sha256"]) != rel.SHA256 {
		return rel, fmt.Errorf("adding release %q: %s is there with other bytes; give it a new version", rel.Version, rel.Name())
	}
	if err := r.place(rel.File(), data); err != nil {
		return rel, err
	}
	for _, old := range olds {
		if err := r.addDelta(&rel, old, data); err != nil {
			return rel, err
		}
	}
	custom, err := rel.Custom()
	if err != nil {
		return rel, fmt.Errorf("adding release %q: %w", rel.Version, err)
	}
	sum := sha256.Sum256(data)
	raw := json.RawMessage(custom)
	targets.Signed.Targets[rel.Name()] = &metadata.TargetFiles{
		Length: rel.Size, Hashes: metadata.Hashes{"sha256": sum[:]}, Custom: &raw, Path: rel.Name(),
	}
	return rel, stage(r, metadata.TARGETS, targets)
}

func (r *Repository) addDelta(rel *release.Release, old string, data []byte) error {
	from, err := os.ReadFile(old)
	if err != nil {
		return fmt.Errorf("making a delta: %w", err)
	}
	if hash(from) == rel.SHA256 {
		return nil
	}
	patch, err := delta.Make(from, data)
	if err != nil {
		return fmt.Errorf("making a delta from %q: %w", old, err)
	}
	if len(patch) > len(data)/2 {
		return nil
	}
	d := release.Delta{From: hash(from), SHA256: hash(patch), Size: int64(len(patch))}
	if slices.ContainsFunc(rel.Deltas, func(e release.Delta) bool { return e.From == d.From }) {
		return nil
	}
	rel.Deltas = append(rel.Deltas, d)
	return r.place(rel.DeltaFile(d), patch)
}

// Revoke stages targets without the release of that version for the platform, and with the SHA-256
// of its program among those that must not run any more.
func (r *Repository) Revoke(version, goos, goarch string) error {
	targets, err := r.nextTargets()
	if err != nil {
		return err
	}
	name := release.Release{Version: version, OS: goos, Arch: goarch}.Name()
	old, ok := targets.Signed.Targets[name]
	if !ok {
		return fmt.Errorf("revoking a release: there is no %s", name)
	}
	delete(targets.Signed.Targets, name)
	revoked, _ := targets.Signed.UnrecognizedFields["revoked"].([]any)
	if targets.Signed.UnrecognizedFields == nil {
		targets.Signed.UnrecognizedFields = map[string]any{}
	}
	targets.Signed.UnrecognizedFields["revoked"] = append(revoked, hex.EncodeToString(old.Hashes["sha256"]))
	return stage(r, metadata.TARGETS, targets)
}

// nextTargets returns the staged targets, or the published ones with the next version.
func (r *Repository) nextTargets() (*metadata.Metadata[metadata.TargetsType], error) {
	staged, err := metadata.Targets().FromFile(r.staged("targets.json"))
	if err == nil {
		return staged, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the staged targets: %w", err)
	}
	targets, err := newestOf(r, metadata.TARGETS, metadata.Targets())
	if err != nil {
		return nil, err
	}
	targets.Signed.Version++
	targets.Signed.Expires = expiry(TargetsLife)
	return targets, nil
}

func (r *Repository) place(name string, data []byte) error {
	file := filepath.Join(r.dir, "targets", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("storing %s: %w", name, err)
	}
	if err := atomicfile.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("storing %s: %w", name, err)
	}
	return nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
