package metadata

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/logging/plain"
)

// A Source returns metadata files by their names in the repository, such as "3.root.json". A file
// of more than limit bytes is an error; a missing one is fs.ErrNotExist. Nothing that it returns is
// trusted.
type Source interface {
	Metadata(ctx context.Context, name string, limit int64) ([]byte, error)
}

// ErrExpired means that the newest metadata is too old: nobody signs the repository any more, or
// somebody holds newer metadata back. There is no update until that changes.
var ErrExpired = errors.New("the signed metadata is expired")

// ErrRollback means that a Source returned older metadata than was seen before.
var ErrRollback = errors.New("the metadata is older than what was seen before")

// The largest size of each file, in bytes.
const (
	maxRoot      = 512_000
	maxTimestamp = 16_384
	maxSnapshot  = 2_000_000
	maxTargets   = 5_000_000
	maxRotations = 256 // roots in one refresh
)

// Client verifies the metadata of one repository. Two clients of one folder must not be used at the
// same time.
type Client struct {
	Root   []byte    // the root.json that came with the package
	Dir    string    // holds verified metadata and the floor; created with mode 0700
	Source Source    // nil = use only what is in Dir
	Built  time.Time // when this program was built; zero = not known
}

// Refresh fetches the metadata from the Source, verifies it, and stores it in Dir. Its error wraps
// [ErrExpired] or [ErrRollback] where that is the reason; then Dir stays as it was.
func (c Client) Refresh(ctx context.Context) (*Trusted, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("refreshing update metadata: %w", err)
	}
	return c.guarded(func() (*Trusted, error) { return c.refresh(ctx, c.Source) })
}

// Cached verifies what the last [Client.Refresh] stored, without its Source.
func (c Client) Cached(ctx context.Context) (*Trusted, error) {
	return c.guarded(func() (*Trusted, error) { return c.refresh(ctx, nil) })
}

// guarded turns panics of the decoders into errors: somebody who stole the online key of the
// repository must not be able to end the agent.
func (c Client) guarded(do func() (*Trusted, error)) (t *Trusted, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it is malformed: %v", p)
		}
		if err == nil {
			return
		}
		t, err = nil, quoted{fmt.Errorf("refreshing update metadata: %w", err)}
		if errors.Is(err, &metadata.ErrExpiredMetadata{}) {
			err = fmt.Errorf("%w (%w)", ErrExpired, err)
		}
	}()
	return do()
}

// quoted is an error that quotes a Source, perhaps all of a file: its text steers no terminal and
// fills no log.
type quoted struct{ error }

func (q quoted) Error() string { return plain.Head(plain.Line(q.error.Error()), 1000) }
func (q quoted) Unwrap() error { return q.error }

func (c Client) refresh(ctx context.Context, from Source) (*Trusted, error) {
	set, err := c.startRoot()
	if err != nil {
		return nil, err
	}
	floor, err := readFloor(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := c.updateRoot(ctx, from, set); err != nil {
		return nil, err
	}
	stamp, err := c.get(ctx, from, "timestamp.json", maxTimestamp)
	if err != nil {
		return nil, err
	}
	set.RefTime = c.now(floor.time(stamp))
	if _, err := set.UpdateTimestamp(stamp); err != nil {
		return nil, fmt.Errorf("verifying timestamp.json: %w", err)
	}
	snapshotName, snapshot, err := c.pinned(ctx, from, set.Timestamp.Signed.Meta["snapshot.json"], "snapshot", maxSnapshot)
	if err != nil {
		return nil, err
	}
	if _, err := set.UpdateSnapshot(snapshot, false); err != nil {
		return nil, fmt.Errorf("verifying %s: %w", snapshotName, err)
	}
	targetsName, targets, err := c.pinned(ctx, from, set.Snapshot.Signed.Meta["targets.json"], "targets", maxTargets)
	if err != nil {
		return nil, err
	}
	if _, err := set.UpdateTargets(targets); err != nil {
		return nil, fmt.Errorf("verifying %s: %w", targetsName, err)
	}
	trusted, err := newTrusted(set)
	if err != nil {
		return nil, err
	}
	next, err := floor.raise(set)
	if err != nil {
		return nil, err
	}
	if from == nil {
		return trusted, nil
	}
	// The floor is written last: once it is there, the files that satisfy it must be there too.
	for _, f := range []struct {
		name string
		data []byte
	}{{targetsName, targets}, {snapshotName, snapshot}, {"timestamp.json", stamp}} {
		if err := c.keep(f.name, f.data); err != nil {
			return nil, err
		}
	}
	if err := next.write(c.Dir); err != nil {
		return nil, err
	}
	c.tidy(snapshotName, targetsName)
	return trusted, nil
}

// startRoot is the newest root that is trusted already: the package's, or a later one that was
// verified before. A damaged one is skipped.
func (c Client) startRoot() (*trustedmetadata.TrustedMetadata, error) {
	set, err := trustedmetadata.New(c.Root)
	if err != nil {
		return nil, fmt.Errorf("reading the package's root of trust: %w", err)
	}
	for set.Root.Signed.Version < 1<<31 {
		data, err := os.ReadFile(filepath.Join(c.Dir, rootName(set.Root.Signed.Version+1)))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil { // the missing root may be the one that revoked the keys of this one
			return nil, fmt.Errorf("reading a root of trust that was verified before: %w", err)
		}
		if _, err := set.UpdateRoot(data); err != nil {
			break // the Source has a whole one
		}
	}
	return set, nil
}

// updateRoot verifies each newer root by the one before it, up to the newest.
func (c Client) updateRoot(ctx context.Context, from Source, set *trustedmetadata.TrustedMetadata) error {
	if from == nil {
		return nil
	}
	for range maxRotations {
		name := rootName(set.Root.Signed.Version + 1)
		data, err := from.Metadata(ctx, name, maxRoot)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("getting %s: %w", name, err)
		}
		if _, err := set.UpdateRoot(data); err != nil {
			return fmt.Errorf("verifying %s: %w", name, err)
		}
		if err := c.keep(name, data); err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d new roots at once; the next check goes on after them", maxRotations)
}

// pinned returns a file whose version and hash another file names. It is read from Dir where the
// hash fits, else from the Source.
func (c Client) pinned(ctx context.Context, from Source, meta *metadata.MetaFiles, role string, limit int64) (string, []byte, error) {
	if meta == nil || meta.Version < 1 || len(meta.Hashes["sha256"]) != sha256.Size {
		return "", nil, fmt.Errorf("the metadata names no version and SHA-256 of %s.json", role)
	}
	name := fmt.Sprintf("%d.%s.json", meta.Version, role)
	if data, err := os.ReadFile(filepath.Join(c.Dir, name)); err == nil && meta.VerifyLengthHashes(data) == nil {
		return name, data, nil
	}
	if meta.Length > 0 {
		limit = min(limit, meta.Length)
	}
	data, err := c.get(ctx, from, name, limit)
	return name, data, err
}

func (c Client) get(ctx context.Context, from Source, name string, limit int64) ([]byte, error) {
	var data []byte
	var err error
	if from != nil {
		data, err = from.Metadata(ctx, name, limit)
	} else {
		data, err = os.ReadFile(filepath.Join(c.Dir, name))
	}
	if err != nil {
		return nil, fmt.Errorf("getting %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("getting %s: more than %d bytes", name, limit)
	}
	return data, nil
}

func (c Client) keep(name string, data []byte) error {
	if old, err := os.ReadFile(filepath.Join(c.Dir, name)); err == nil && string(old) == string(data) {
		return nil
	}
	if err := atomicfile.WriteFile(filepath.Join(c.Dir, name), data, 0o600); err != nil {
		return fmt.Errorf("storing update metadata: %w", err)
	}
	return nil
}

// tidy removes snapshots and targets that no later timestamp names.
func (c Client) tidy(keep ...string) {
	for _, pattern := range []string{"*.snapshot.json", "*.targets.json"} {
		names, _ := filepath.Glob(filepath.Join(c.Dir, pattern))
		for _, name := range names {
			if base := filepath.Base(name); base != keep[0] && base != keep[1] {
				_ = os.Remove(name)
			}
		}
	}
}

// now is the time that expiry dates are compared with.
func (c Client) now(floor time.Time) time.Time {
	now := time.Now().UTC()
	for _, at := range []time.Time{c.Built, floor} {
		if now.Before(at) {
			now = at
		}
	}
	return now
}

func rootName(version int64) string { return fmt.Sprintf("%d.root.json", version) }

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
