package repository

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
)

// Bundle writes a zip file with all metadata that a client needs, and with the programs and deltas
// of the given versions, or of all versions where none is given. Agents without a connection to the
// cloud import it, and clouds receive releases by it. Both verify it like a download.
func (r *Repository) Bundle(ctx context.Context, w io.Writer, versions ...string) error {
	known, err := r.Releases(ctx)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, version := range versions {
		if !slices.ContainsFunc(known, func(k release.Release) bool { return k.Version == version }) {
			return fmt.Errorf("making a bundle: there is no published release %q", version)
		}
	}
	for _, rel := range known {
		if len(versions) > 0 && !slices.Contains(versions, rel.Version) {
			continue
		}
		if err := r.pack(z, path.Join("targets", rel.File())); err != nil {
			return err
		}
		for _, d := range rel.Deltas {
			if err := r.pack(z, path.Join("targets", rel.DeltaFile(d))); err != nil {
				return err
			}
		}
	}
	names := []string{"timestamp.json"}
	for _, role := range []string{"snapshot", "targets"} {
		name, err := r.newest(role)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	roots, err := filepath.Glob(r.published("*.root.json"))
	if err != nil {
		return fmt.Errorf("making a bundle: %w", err)
	}
	for _, root := range roots {
		names = append(names, filepath.Base(root))
	}
	for _, name := range names {
		if err := r.pack(z, path.Join("metadata", name)); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("making a bundle: %w", err)
	}
	return nil
}

// Trusted returns what a client of the published repository sees, verified as a client does.
func (r *Repository) Trusted(ctx context.Context) (*metadata.Trusted, error) {
	root, err := os.ReadFile(r.published("1.root.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the repository: %w", err)
	}
	dir, err := os.MkdirTemp("", "tcrelease")
	if err != nil {
		return nil, fmt.Errorf("reading the repository: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	t, err := metadata.Client{Root: root, Dir: dir, Source: metadata.FS{FS: os.DirFS(filepath.Join(r.dir, "metadata"))}}.Refresh(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the repository %q: %w", r.dir, err)
	}
	return t, nil
}

// Releases returns the releases that clients see.
func (r *Repository) Releases(ctx context.Context) ([]release.Release, error) {
	t, err := r.Trusted(ctx)
	if err != nil {
		return nil, err
	}
	return t.Releases, nil
}

// pack adds one file of the repository. Programs and deltas are stored uncompressed: programs take
// long for what it saves, and deltas are compressed already.
func (r *Repository) pack(z *zip.Writer, name string) error {
	f, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		return fmt.Errorf("making a bundle: %w", err)
	}
	defer func() { _ = f.Close() }()
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = io.Copy(w, f)
	}
	if err != nil {
		return fmt.Errorf("making a bundle: %s: %w", name, err)
	}
	return nil
}
