package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/updater/delta"
	"tcenvsvr/updater/release"
)

// Result says where a fetched program is, and how it was fetched.
type Result struct {
	Path  string // Dir/SHA256
	Bytes int64  // of the file that was fetched: the program or a delta
	Delta bool   // whether it was rebuilt by a delta from the running program
	Why   error  // why an existing delta was not used; nil = it was used, or there is none
}

// Release fetches the program of rel, by a delta from the program at current where there is one.
func (f Fetcher) Release(ctx context.Context, rel release.Release, current string) (Result, error) {
	whole := filepath.Join(f.Dir, rel.SHA256)
	if verified(whole, rel.Size, rel.SHA256) == nil {
		return Result{Path: whole}, nil
	}
	var res Result
	if old, d, ok := deltaFrom(rel, current); ok {
		if res.Why = f.rebuild(ctx, rel, d, old); res.Why == nil {
			return Result{Path: whole, Bytes: d.Size, Delta: true}, nil
		}
		if ctx.Err() != nil {
			return res, res.Why
		}
	}
	var err error
	res.Bytes = rel.Size
	res.Path, err = f.File(ctx, rel.File(), rel.Size, rel.SHA256)
	return res, err
}

// deltaFrom finds the delta that starts at the program at current.
func deltaFrom(rel release.Release, current string) (old []byte, d release.Delta, ok bool) {
	if len(rel.Deltas) == 0 || current == "" {
		return nil, d, false
	}
	old, err := os.ReadFile(current)
	if err != nil {
		return nil, d, false
	}
	sum := sha256.Sum256(old)
	from := hex.EncodeToString(sum[:])
	i := slices.IndexFunc(rel.Deltas, func(d release.Delta) bool { return d.From == from })
	if i < 0 {
		return nil, d, false
	}
	return old, rel.Deltas[i], true
}

// rebuild fetches the delta, applies it to old, and stores the result if it is the program of rel.
func (f Fetcher) rebuild(ctx context.Context, rel release.Release, d release.Delta, old []byte) error {
	file, err := f.File(ctx, rel.DeltaFile(d), d.Size, d.SHA256)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file) }()
	patch, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("applying a delta: %w", err)
	}
	program, err := delta.Apply(old, patch, rel.Size)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(program); hex.EncodeToString(sum[:]) != rel.SHA256 {
		return fmt.Errorf("applying a delta: %w", ErrMismatch)
	}
	if err := atomicfile.WriteFile(filepath.Join(f.Dir, rel.SHA256), program, 0o600); err != nil {
		return fmt.Errorf("storing the rebuilt program: %w", err)
	}
	return nil
}

// Tidy removes from Dir every download but that of keep ("" = all).
func (f Fetcher) Tidy(keep string) error {
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return fmt.Errorf("tidying downloads: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		sum := name
		if filepath.Ext(name) == ".part" {
			sum = name[:len(name)-len(".part")]
		}
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size || sum == keep {
			continue
		}
		if err := os.Remove(filepath.Join(f.Dir, name)); err != nil {
			return fmt.Errorf("tidying downloads: %w", err)
		}
	}
	return nil
}
