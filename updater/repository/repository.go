package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"tcenvsvr/agent/disk/atomicfile"
)

// How long signatures are valid.
const (
	RootLife      = 400 * 24 * time.Hour
	TargetsLife   = 400 * 24 * time.Hour
	SnapshotLife  = 7 * 24 * time.Hour
	TimestampLife = 48 * time.Hour
)

// Roles are those of every repository.
var Roles = []string{metadata.ROOT, metadata.TARGETS, metadata.SNAPSHOT, metadata.TIMESTAMP}

// Repository is a folder with an update repository. The package's documentation has its layout.
type Repository struct{ dir string }

// Offline says how many keys root and targets have, and how many of them must sign.
type Offline struct{ Keys, Threshold int }

// Init makes a repository without releases in dir, and its keys in keyDir: root-1.pem …,
// targets-1.pem …, snapshot.pem, timestamp.pem. It replaces no existing file.
func Init(dir, keyDir string, o Offline) (*Repository, error) {
	if o.Threshold < 1 || o.Keys < o.Threshold {
		return nil, fmt.Errorf("making an update repository: %d of %d keys cannot sign", o.Threshold, o.Keys)
	}
	r := &Repository{dir}
	if _, err := os.Stat(r.published("timestamp.json")); err == nil {
		return nil, fmt.Errorf("making an update repository: %q is one already", dir)
	}
	for _, d := range []string{r.published(""), r.staged(""), filepath.Join(dir, "targets")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("making an update repository: %w", err)
		}
	}
	if err := os.MkdirAll(keyDir, 0o700); err != nil {
		return nil, fmt.Errorf("making keys: %w", err)
	}
	root := metadata.Root(expiry(RootLife))
	root.Signed.ConsistentSnapshot = true
	var keys []Key
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		names := []string{role + ".pem"}
		if role == metadata.ROOT || role == metadata.TARGETS {
			names = nil
			for i := range o.Keys {
				names = append(names, fmt.Sprintf("%s-%d.pem", role, i+1))
			}
			root.Signed.Roles[role].Threshold = o.Threshold
		}
		for _, name := range names {
			k, err := NewKey(filepath.Join(keyDir, name))
			if err != nil {
				return nil, err
			}
			if err := root.Signed.AddKey(k.public, role); err != nil {
				return nil, fmt.Errorf("making an update repository: %w", err)
			}
			keys = append(keys, k)
		}
	}
	if err := stage(r, metadata.ROOT, root); err != nil {
		return nil, err
	}
	if err := stage(r, metadata.TARGETS, metadata.Targets(expiry(TargetsLife))); err != nil {
		return nil, err
	}
	if _, err := r.Sign(keys); err != nil {
		return nil, err
	}
	return r, nil
}

// Open opens a repository that Init made.
func Open(dir string) (*Repository, error) {
	r := &Repository{dir}
	if _, err := os.Stat(r.published("1.root.json")); err != nil {
		return nil, fmt.Errorf("opening the update repository %q: %w", dir, err)
	}
	return r, nil
}

// Root returns the newest root.json, which packages carry as their root of trust.
func (r *Repository) Root() ([]byte, error) {
	name, err := r.newest(metadata.ROOT)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(r.published(name))
}

// Rotate stages a root in which k is a key of the role, and old, unless it is "", is not any more.
func (r *Repository) Rotate(role, old string, k Key) error {
	root, err := r.stagedOrNext()
	if err != nil {
		return err
	}
	if err := root.Signed.AddKey(k.public, role); err != nil {
		return fmt.Errorf("rotating keys of %q: %w", role, err)
	}
	if old != "" {
		if err := root.Signed.RevokeKey(old, role); err != nil {
			return fmt.Errorf("rotating keys of %q: %w", role, err)
		}
	}
	return stage(r, metadata.ROOT, root)
}

// KeysOf returns the ids of the keys of a role in the newest published root.
func (r *Repository) KeysOf(role string) ([]string, error) {
	root, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		return nil, err
	}
	entry, ok := root.Signed.Roles[role]
	if !ok {
		return nil, fmt.Errorf("there is no role %q, only %s", role, strings.Join(Roles, ", "))
	}
	return slices.Clone(entry.KeyIDs), nil
}

func (r *Repository) stagedOrNext() (*metadata.Metadata[metadata.RootType], error) {
	if root, err := metadata.Root().FromFile(r.staged("root.json")); err == nil {
		return root, nil
	}
	root, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		return nil, err
	}
	root.Signed.Version++
	root.Signed.Expires = expiry(RootLife)
	return root, nil
}

func (r *Repository) published(name string) string { return filepath.Join(r.dir, "metadata", name) }
func (r *Repository) staged(name string) string    { return filepath.Join(r.dir, "staged", name) }

// newest is the name of the role's file with the highest version.
func (r *Repository) newest(role string) (string, error) {
	files, err := filepath.Glob(r.published("*." + role + ".json"))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("the update repository %q has no %s", r.dir, role)
	}
	highest := 0
	for _, file := range files {
		if n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), "."+role+".json")); err == nil {
			highest = max(highest, n)
		}
	}
	return fmt.Sprintf("%d.%s.json", highest, role), nil
}

func newestOf[T metadata.Roles](r *Repository, role string, into *metadata.Metadata[T]) (*metadata.Metadata[T], error) {
	name, err := r.newest(role)
	if err != nil {
		return nil, err
	}
	m, err := into.FromFile(r.published(name))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return m, nil
}

// stage stores m without signatures.
func stage[T metadata.Roles](r *Repository, role string, m *metadata.Metadata[T]) error {
	m.ClearSignatures()
	return store(r.staged(role+".json"), m)
}

func store[T metadata.Roles](file string, m *metadata.Metadata[T]) error {
	data, err := m.ToBytes(true)
	if err == nil {
		err = atomicfile.WriteFile(file, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", filepath.Base(file), err)
	}
	return nil
}

func expiry(life time.Duration) time.Time { return time.Now().UTC().Add(life).Truncate(time.Second) }

// Pending is a staged role that lacks signatures.
type Pending struct {
	Role       string `json:"role"`
	Version    int64  `json:"version"`
	Signatures int    `json:"signatures"` // of keys that count for the role, also those of a root before
	Wanted     int    `json:"wanted"`
}

// Staged lists the staged roles that lack signatures.
func (r *Repository) Staged() ([]Pending, error) {
	published, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		return nil, err
	}
	var found []Pending
	root, err := metadata.Root().FromFile(r.staged("root.json"))
	if err == nil {
		// Both the old keys and the new ones must sign a root: report the half that lacks more.
		p := pending(metadata.ROOT, root.Signed.Version, published.Signed.Roles[metadata.ROOT], root.Signatures)
		if own := pending(metadata.ROOT, root.Signed.Version, root.Signed.Roles[metadata.ROOT], root.Signatures); own.Wanted-own.Signatures > p.Wanted-p.Signatures {
			p = own
		}
		found = append(found, p)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the staged root: %w", err)
	}
	targets, err := metadata.Targets().FromFile(r.staged("targets.json"))
	if err == nil {
		found = append(found, pending(metadata.TARGETS, targets.Signed.Version, published.Signed.Roles[metadata.TARGETS], targets.Signatures))
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the staged targets: %w", err)
	}
	return found, nil
}

func pending(name string, version int64, role *metadata.Role, signatures []metadata.Signature) Pending {
	p := Pending{Role: name, Version: version, Wanted: role.Threshold}
	for _, s := range signatures {
		if slices.Contains(role.KeyIDs, s.KeyID) {
			p.Signatures++
		}
	}
	return p
}
