package releases

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// FilesBucket is the name of the object store with programs, deltas and what is published.
const FilesBucket = "updates"

// entryKey is the entry that says what is published. Whoever publishes writes over the revision that
// he has read.
const entryKey = "repository"

// entry is what is stored there.
type entry struct {
	Published wire.SHA256 `json:"published"` // of the object that is a published in JSON
	Signed    time.Time   `json:"signed"`    // by a gateway; zero if that was the maintainers'
}

// Files are the update repository of all gateways over one store. It is safe for concurrent use.
type Files struct {
	kv    jetstream.KeyValue // Bucket
	blobs *blob.Store
	keys  string // folder of the online keys

	mu      sync.Mutex
	current published // that was read last
	read    wire.SHA256
}

// OpenFiles returns the repository in kv and blobs. keys is the folder of the online keys, which may
// be missing.
func OpenFiles(kv jetstream.KeyValue, blobs *blob.Store, keys string) *Files {
	return &Files{kv: kv, blobs: blobs, keys: keys}
}

// Temp returns a file to spool a bundle into. The caller removes it; after a crash the next start
// does.
func (f *Files) Temp() (*os.File, error) { return f.blobs.Temp() }

// Known are the releases that are served.
type Known struct {
	Releases []release.Release `json:"releases"`
	Expires  time.Time         `json:"expires"`
	Problem  string            `json:"problem,omitempty"` // why agents cannot use the metadata, e.g. that it is expired
}

func (k Known) has(version string) bool {
	return slices.ContainsFunc(k.Releases, func(r release.Release) bool { return r.Version == version })
}

// known are the releases of which p has the programs: a bundle may leave out those of some.
func known(p *published, all []release.Release, expires time.Time) Known {
	here := slices.DeleteFunc(slices.Clone(all), func(r release.Release) bool { return !slices.Contains(p.Targets, r.File()) })
	return Known{Releases: here, Expires: expires}
}

// Releases verifies the metadata as an agent would and lists what it signs.
func (f *Files) Releases(ctx context.Context) (Known, error) {
	p, _, err := f.load(ctx)
	if err != nil || p.empty() {
		return Known{}, err
	}
	t, err := p.verify(ctx)
	if err != nil {
		return Known{Problem: err.Error()}, nil
	}
	return known(p, t.Releases, t.Expires), nil
}

// state is the entry with its revision, 0 if nothing was published yet.
func (f *Files) state(ctx context.Context) (entry, uint64, error) {
	var e entry
	stored, err := f.kv.Get(ctx, entryKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return e, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(stored.Value(), &e)
	}
	if err != nil {
		return e, 0, fmt.Errorf("reading what is published: %w", err)
	}
	return e, stored.Revision(), nil
}

// load returns what is published now, and the revision that the next one is written over.
func (f *Files) load(ctx context.Context) (*published, uint64, error) {
	for tries := 0; ; tries++ {
		e, revision, err := f.state(ctx)
		if err != nil || revision == 0 {
			return &published{}, 0, err
		}
		f.mu.Lock()
		p, read := f.current, f.read
		f.mu.Unlock()
		if read == e.Published {
			return &p, revision, nil
		}
		p, err = f.fetch(ctx, e.Published)
		if errors.Is(err, blob.ErrNotFound) && tries < 3 {
			continue // the next one was published, and this one removed
		}
		if err != nil {
			return nil, 0, fmt.Errorf("reading what is published: %w", err)
		}
		f.mu.Lock()
		f.current, f.read = p, e.Published
		f.mu.Unlock()
		f.blobs.Trim(func(sum wire.SHA256) bool { return sum == e.Published || p.has(sum) })
		return &p, revision, nil
	}
}

func (p *published) has(sum wire.SHA256) bool {
	return slices.ContainsFunc(p.Targets, func(t string) bool { return digest(t) == sum })
}

func (f *Files) fetch(ctx context.Context, sum wire.SHA256) (published, error) {
	var p published
	file, err := f.blobs.Open(ctx, sum)
	if err != nil {
		return p, err
	}
	defer func() { _ = file.Close() }()
	return p, json.NewDecoder(io.LimitReader(file, maxPublished)).Decode(&p)
}

// publish makes p what agents see, in the place of that of a revision. Everything that it names is
// stored already.
func (f *Files) publish(ctx context.Context, p *published, signed time.Time, over uint64) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	sum, err := f.put(ctx, bytes.NewReader(data), "", false)
	if err == nil {
		_, _, err = bucket.Write(ctx, f.kv, entryKey, entry{sum, signed}, over)
	}
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	return nil
}

// put stores content, which must have the digest want unless that is "". What is published already is
// stored again only if the store has damaged it; all else always is, so that a sweep that began before
// leaves it.
func (f *Files) put(ctx context.Context, r io.Reader, want wire.SHA256, isPublished bool) (wire.SHA256, error) {
	spool, err := f.blobs.Temp()
	if err != nil {
		return "", err
	}
	defer func() { _, _ = spool.Close(), os.Remove(spool.Name()) }()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(spool, h), r); err != nil {
		return "", err
	}
	sum := wire.SHA256(hex.EncodeToString(h.Sum(nil)))
	if want != "" && sum != want {
		return "", fmt.Errorf("%w: the SHA-256 of its content is %s", ErrInvalid, sum)
	}
	if isPublished && f.blobs.Stored(ctx, sum) {
		return sum, nil
	}
	return sum, f.blobs.Put(ctx, sum, spool)
}

const (
	// signEvery is how old a signature of the timestamp gets; it is valid for repository.TimestampLife.
	signEvery = 12 * time.Hour
	// standInAfter is how old it gets before a gateway signs that does not have the lease: the one that has
	// it has no keys, or cannot.
	standInAfter = signEvery + 2*time.Hour
)

// Sign signs snapshot and timestamp again if the online keys are here and the signature is older than
// age. It is written over the revision that was read: of gateways that do it at once one succeeds, and
// that is enough.
func (f *Files) Sign(ctx context.Context, age time.Duration) error {
	keys, err := f.online()
	if err != nil || keys == nil {
		return err
	}
	e, _, err := f.state(ctx)
	if err != nil || time.Since(e.Signed).Abs() < age {
		return err
	}
	p, revision, err := f.load(ctx)
	if err != nil || p.empty() {
		return err
	}
	next, err := p.signed(keys)
	if err != nil {
		return err
	}
	err = f.publish(ctx, next, time.Now().UTC(), revision)
	if bucket.Overtaken(err) {
		return nil
	}
	return err
}

// online are the online keys, nil if this gateway has none.
func (f *Files) online() ([]repository.Key, error) {
	if list, err := filepath.Glob(filepath.Join(f.keys, "*.pem")); err != nil || len(list) == 0 {
		return nil, err
	}
	return repository.ReadKeys(f.keys)
}

// target opens a file below targets/, or returns fs.ErrNotExist.
func (f *Files) target(ctx context.Context, name string) (*os.File, error) {
	p, _, err := f.load(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(p.Targets, path.Clean(name)) {
		return nil, fs.ErrNotExist
	}
	return f.blobs.Open(ctx, digest(name))
}

// sweepAge is how old objects are that Sweep removes: what an import stores is not published before
// its end.
const sweepAge = 24 * time.Hour

// Sweep removes programs and metadata that are not published any more, or never were.
func (f *Files) Sweep(ctx context.Context) error { return f.sweep(ctx, time.Now().Add(-sweepAge)) }

// sweep removes what was stored before then. It first writes the entry again: an import that began
// earlier has to store everything once more, and what is stored from then on is not removed here, even if
// this gateway stands still in between.
func (f *Files) sweep(ctx context.Context, then time.Time) error {
	stored, err := f.blobs.List(ctx)
	if err != nil {
		return err
	}
	e, revision, err := f.state(ctx)
	if err != nil {
		return err
	}
	p, read, err := f.load(ctx)
	if err != nil || read != revision {
		return err
	}
	maps.DeleteFunc(stored, func(sum wire.SHA256, at time.Time) bool {
		return sum == e.Published || p.has(sum) || !at.Before(then)
	})
	if len(stored) == 0 {
		return nil
	}
	_, _, err = bucket.Write(ctx, f.kv, entryKey, e, revision)
	if bucket.Overtaken(err) {
		return nil // the next time, then
	}
	for sum := range stored {
		if err == nil {
			err = f.blobs.RemoveBefore(ctx, sum, then)
		}
	}
	return err
}
