package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"tcenvsvr/agent/disk/atomicfile"
)

const floorFile = "floor.json"

// floor holds the lowest versions, and the earliest time, that a repository may still have.
type floor struct {
	Roles map[string]mark `json:"roles"`
	Time  time.Time       `json:"time"` // signed_at of the newest timestamp that was verified
}

// mark is the highest version of a role that its keys have signed.
type mark struct {
	Keys    string `json:"keys"` // digest of the role's key ids and threshold
	Version int64  `json:"version"`
}

// readFloor returns the stored floor. A missing or damaged file is an empty floor, because the
// files beside it and the repository build it anew. A file that cannot be read is an error: without
// it an old release would pass.
func readFloor(dir string) (floor, error) {
	var f floor
	data, err := os.ReadFile(filepath.Join(dir, floorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return floor{}, nil
	}
	if err != nil {
		return floor{}, fmt.Errorf("reading the floor of update metadata: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if d.Decode(&f) != nil {
		return floor{}, nil
	}
	return f, nil
}

func (f floor) write(dir string) error {
	data, err := json.Marshal(f)
	if err == nil {
		err = atomicfile.WriteFile(filepath.Join(dir, floorFile), append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("storing the floor of update metadata: %w", err)
	}
	return nil
}

// raise compares what was verified with the floor and returns the next one.
func (f floor) raise(set *trustedmetadata.TrustedMetadata) (floor, error) {
	next := floor{Roles: map[string]mark{}, Time: f.Time}
	for role, version := range versions(set) {
		m := mark{Keys: keysOf(set.Root.Signed.Roles[role]), Version: version}
		if old := f.Roles[role]; old.Keys == m.Keys && old.Version > m.Version {
			return f, fmt.Errorf("%s has version %d after %d: %w", role, m.Version, old.Version, ErrRollback)
		}
		next.Roles[role] = m
	}
	at := signedAt(set.Timestamp)
	if (at.After(next.Time) || f.newer(set.Timestamp)) && !at.IsZero() && !at.After(set.Timestamp.Signed.Expires) {
		next.Time = at
	}
	return next, nil
}

// time is the earliest time that is believed while the offered timestamp is verified. A later
// version with an earlier time can only be made with the keys; it comes from a signer whose clock
// was ahead for a while and is right again.
func (f floor) time(offered []byte) time.Time {
	t, err := metadata.Timestamp().FromBytes(offered)
	if err != nil || !f.newer(t) {
		return f.Time
	}
	if at := signedAt(t); !at.IsZero() && at.Before(f.Time) {
		return at
	}
	return f.Time
}

// newer reports whether a timestamp has a higher version than was seen.
func (f floor) newer(t *metadata.Metadata[metadata.TimestampType]) bool {
	return t.Signed.Version > f.Roles[metadata.TIMESTAMP].Version
}

func versions(set *trustedmetadata.TrustedMetadata) map[string]int64 {
	return map[string]int64{
		metadata.ROOT:      set.Root.Signed.Version,
		metadata.TIMESTAMP: set.Timestamp.Signed.Version,
		metadata.SNAPSHOT:  set.Snapshot.Signed.Version,
		metadata.TARGETS:   set.Targets[metadata.TARGETS].Signed.Version,
	}
}

func keysOf(r *metadata.Role) string {
	if r == nil {
		return ""
	}
	ids := slices.Sorted(slices.Values(r.KeyIDs))
	return sum(fmt.Appendf(nil, "%d %s", r.Threshold, strings.Join(ids, " ")))
}

// signedAt is our addition to the timestamp: when it was signed.
func signedAt(t *metadata.Metadata[metadata.TimestampType]) time.Time {
	text, _ := t.Signed.UnrecognizedFields["signed_at"].(string)
	at, _ := time.Parse(time.RFC3339, text)
	return at
}
