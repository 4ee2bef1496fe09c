package packages

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/updater/release"
)

// Bucket is the name of the object store with the content.
const Bucket = "packages"

// prefix of entries in the key-value bucket of releases; the file's name follows in hex digits,
// since keys cannot have all of its characters.
const prefix = "package."

// MaxSize bounds a package, in bytes. It is less than an agent accepts as a bundle.
const MaxSize = 400 << 20

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("no such package")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("not a package of the Environment Server")
)

// Package is an installation package that bundles can have.
type Package struct {
	Name    string      `json:"name"` // of the file
	System  string      `json:"system"`
	Version string      `json:"version"` // semantic
	Arch    string      `json:"arch"`    // amd64 or arm64
	Size    int64       `json:"size"`
	SHA256  wire.SHA256 `json:"sha256"`
	Signed  bool        `json:"signed"` // it has a signature; whose, only the key can tell
	Added   time.Time   `json:"added"`
}

// Wanted selects a package. The zero value is the newest rpm for amd64.
type Wanted struct {
	System  string `json:"system,omitempty"`
	Arch    string `json:"arch,omitempty"`
	Version string `json:"version,omitempty"`
}

// Check returns an error for a system or architecture that does not exist.
func (w Wanted) Check() error {
	switch {
	case w.System != "" && !slices.Contains(Systems, w.System):
		return fmt.Errorf("system %.40q: want one of %s", w.System, strings.Join(Systems, ", "))
	case w.Arch != "" && w.Arch != "amd64" && w.Arch != "arm64":
		return fmt.Errorf("architecture %.40q: want amd64 or arm64", w.Arch)
	case w.Version != "" && !release.Valid(w.Version):
		return fmt.Errorf("version %.60q is no semantic version", w.Version)
	}
	return nil
}

// Store is safe for concurrent use.
type Store struct {
	KV    jetstream.KeyValue // of releases
	Blobs *blob.Store
}

// Add stores a package. The same one again changes nothing; another one with the same name is
// ErrExists.
func (s *Store) Add(ctx context.Context, name string, r io.Reader) (Package, error) {
	spool, err := s.Blobs.Temp()
	if err != nil {
		return Package{}, fmt.Errorf("receiving the package: %w", err)
	}
	defer func() { _, _ = spool.Close(), os.Remove(spool.Name()) }()
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(spool, h), r)
	if err != nil {
		return Package{}, fmt.Errorf("receiving the package: %w", err)
	}
	p, err := Inspect(name, spool, size)
	if err != nil {
		return Package{}, err
	}
	p.SHA256, p.Added = wire.SHA256(hex.EncodeToString(h.Sum(nil))), time.Now().UTC().Truncate(time.Second)
	old, err := s.read(ctx, key(name))
	switch {
	case err == nil && old.SHA256 == p.SHA256:
		return old, nil
	case err == nil:
		return Package{}, fmt.Errorf("adding package %q: %w with other content", name, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return Package{}, err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return Package{}, fmt.Errorf("storing the package: %w", err)
	}
	if err := s.Blobs.Add(ctx, p.SHA256, spool); err != nil {
		return Package{}, err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return Package{}, err
	}
	_, err = s.KV.Create(ctx, key(name), data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		err = ErrExists // another writer was faster
	}
	if err != nil {
		return Package{}, fmt.Errorf("adding package %q: %w", name, err)
	}
	return p, nil
}

// List returns all packages, newest versions first.
func (s *Store) List(ctx context.Context) ([]Package, error) {
	keys, err := s.KV.ListKeysFiltered(ctx, prefix+">")
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	defer func() { _ = keys.Stop() }()
	list := []Package{}
	for k := range keys.Keys() {
		p, err := s.read(ctx, k)
		if errors.Is(err, ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Package) int {
		return cmp.Or(release.Compare(b.Version, a.Version), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

// Find returns the package that w selects, the newest one if it names no version.
func (s *Store) Find(ctx context.Context, w Wanted) (Package, error) {
	list, err := s.List(ctx)
	if err != nil {
		return Package{}, err
	}
	w.System, w.Arch = cmp.Or(w.System, "rpm"), cmp.Or(w.Arch, "amd64")
	i := slices.IndexFunc(list, func(p Package) bool {
		return p.System == w.System && p.Arch == w.Arch && (w.Version == "" || p.Version == w.Version)
	})
	if i < 0 {
		return Package{}, fmt.Errorf("%w: this cloud was given no %s", ErrNotFound, strings.TrimSpace(fmt.Sprint(w.System, " for ", w.Arch, " ", w.Version)))
	}
	return list[i], nil
}

// Trim removes packages from this gateway's cache that were removed at another one.
func (s *Store) Trim(ctx context.Context) error {
	list, err := s.List(ctx)
	if err == nil {
		s.Blobs.Trim(func(sum wire.SHA256) bool {
			return slices.ContainsFunc(list, func(p Package) bool { return p.SHA256 == sum })
		})
	}
	return err
}

// Open returns a package's content, which the caller closes.
func (s *Store) Open(ctx context.Context, p Package) (*os.File, error) {
	return s.Blobs.Open(ctx, p.SHA256)
}

// Remove removes a package.
func (s *Store) Remove(ctx context.Context, name string) error {
	p, err := s.read(ctx, key(name))
	if err != nil {
		return fmt.Errorf("removing package %.120q: %w", name, err)
	}
	if err := s.KV.Delete(ctx, key(name)); err != nil {
		return fmt.Errorf("removing package %q: %w", name, err)
	}
	list, err := s.List(ctx)
	if err != nil || slices.ContainsFunc(list, func(o Package) bool { return o.SHA256 == p.SHA256 }) {
		return err // the same content under another name
	}
	return s.Blobs.Remove(ctx, p.SHA256)
}

func (s *Store) read(ctx context.Context, k string) (Package, error) {
	e, err := s.KV.Get(ctx, k)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Package{}, ErrNotFound
	}
	if err != nil {
		return Package{}, fmt.Errorf("reading the entry of a package: %w", err)
	}
	var p Package
	if err := json.Unmarshal(e.Value(), &p); err != nil {
		return Package{}, fmt.Errorf("reading the entry of a package: %w", err)
	}
	return p, nil
}

func key(name string) string { return prefix + hex.EncodeToString([]byte(name)) }
