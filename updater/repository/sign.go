package repository

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"tcenvsvr/agent/disk/atomicfile"
)

// Sign adds the signatures of keys to what is staged, publishes each role that has enough of them,
// and returns the roles that still lack some. A staged root comes before staged targets, so that
// its new keys can sign those.
func (r *Repository) Sign(keys []Key) (missing []string, err error) {
	lacks, err := r.signRoot(keys)
	if err != nil {
		return nil, err
	}
	if lacks {
		missing = append(missing, metadata.ROOT)
	}
	lacks, err = r.signTargets(keys)
	if err != nil {
		return nil, err
	}
	if lacks {
		missing = append(missing, metadata.TARGETS)
	}
	if r.has(metadata.SNAPSHOT, keys) && r.has(metadata.TIMESTAMP, keys) {
		return missing, r.Refresh(keys)
	}
	return missing, nil
}

func (r *Repository) has(role string, keys []Key) bool {
	ids, err := r.KeysOf(role)
	return err == nil && slices.ContainsFunc(keys, func(k Key) bool { return slices.Contains(ids, k.ID) })
}

// signRoot signs and publishes the staged root, and reports whether there is one that lacks
// signatures still. It needs the threshold of the old root's keys and the threshold of its own.
func (r *Repository) signRoot(keys []Key) (lacks bool, err error) {
	root, err := metadata.Root().FromFile(r.staged("root.json"))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the staged root: %w", err)
	}
	previous, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		previous = root // the first one
	}
	ids := slices.Concat(root.Signed.Roles[metadata.ROOT].KeyIDs, previous.Signed.Roles[metadata.ROOT].KeyIDs)
	if err := addSignatures(root, ids, keys); err != nil {
		return false, err
	}
	if err := store(r.staged("root.json"), root); err != nil {
		return false, err
	}
	if previous.VerifyDelegate(metadata.ROOT, root) != nil || root.VerifyDelegate(metadata.ROOT, root) != nil {
		return true, nil
	}
	return false, r.publish(metadata.ROOT, root.Signed.Version)
}

// signTargets is signRoot for the targets.
func (r *Repository) signTargets(keys []Key) (lacks bool, err error) {
	targets, err := metadata.Targets().FromFile(r.staged("targets.json"))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the staged targets: %w", err)
	}
	root, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		return false, err
	}
	if err := addSignatures(targets, root.Signed.Roles[metadata.TARGETS].KeyIDs, keys); err != nil {
		return false, err
	}
	if err := store(r.staged("targets.json"), targets); err != nil {
		return false, err
	}
	if root.VerifyDelegate(metadata.TARGETS, targets) != nil {
		return true, nil
	}
	return false, r.publish(metadata.TARGETS, targets.Signed.Version)
}

// publish moves a staged file to where clients read it, under its version.
func (r *Repository) publish(role string, version int64) error {
	name := fmt.Sprintf("%d.%s.json", version, role)
	if err := atomicfile.Rename(r.staged(role+".json"), r.published(name)); err != nil {
		return fmt.Errorf("publishing %s: %w", name, err)
	}
	return nil
}

// Refresh signs a new snapshot and timestamp with the online keys. It has to be called at least
// daily ([TimestampLife]). It writes the timestamp last, which makes the rest visible to clients.
func (r *Repository) Refresh(keys []Key) error {
	root, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		return err
	}
	targets, data, err := r.file(metadata.TARGETS)
	if err != nil {
		return err
	}
	snapshot := metadata.Snapshot(expiry(SnapshotLife))
	if old, err := newestOf(r, metadata.SNAPSHOT, metadata.Snapshot()); err == nil {
		snapshot.Signed.Version = old.Signed.Version + 1
	}
	snapshot.Signed.Meta["targets.json"] = metaFile(targets, data)
	if err := addSignatures(snapshot, root.Signed.Roles[metadata.SNAPSHOT].KeyIDs, keys); err != nil {
		return err
	}
	if err := root.VerifyDelegate(metadata.SNAPSHOT, snapshot); err != nil {
		return fmt.Errorf("signing the snapshot: a key for it is missing: %w", err)
	}
	if err := store(r.published(fmt.Sprintf("%d.snapshot.json", snapshot.Signed.Version)), snapshot); err != nil {
		return err
	}
	version, data, err := r.file(metadata.SNAPSHOT)
	if err != nil {
		return err
	}
	stamp := metadata.Timestamp(expiry(TimestampLife))
	if old, err := metadata.Timestamp().FromFile(r.published("timestamp.json")); err == nil {
		stamp.Signed.Version = old.Signed.Version + 1
	}
	stamp.Signed.Meta["snapshot.json"] = metaFile(version, data)
	stamp.Signed.UnrecognizedFields = map[string]any{"signed_at": time.Now().UTC().Format(time.RFC3339)}
	if err := addSignatures(stamp, root.Signed.Roles[metadata.TIMESTAMP].KeyIDs, keys); err != nil {
		return err
	}
	if err := root.VerifyDelegate(metadata.TIMESTAMP, stamp); err != nil {
		return fmt.Errorf("signing the timestamp: a key for it is missing: %w", err)
	}
	return store(r.published("timestamp.json"), stamp)
}

// Behind reports whether clients do not see yet what was published, because the keys of snapshot
// and timestamp have not signed since.
func (r *Repository) Behind() (bool, error) {
	root, err := newestOf(r, metadata.ROOT, metadata.Root())
	if err != nil {
		return false, err
	}
	targets, _, err := r.file(metadata.TARGETS)
	if err != nil {
		return false, err
	}
	snapshot, err := newestOf(r, metadata.SNAPSHOT, metadata.Snapshot())
	if err != nil {
		return false, err
	}
	stamp, err := metadata.Timestamp().FromFile(r.published("timestamp.json"))
	if err != nil {
		return false, fmt.Errorf("reading timestamp.json: %w", err)
	}
	listed := snapshot.Signed.Meta["targets.json"]
	return listed == nil || listed.Version != targets ||
		root.VerifyDelegate(metadata.SNAPSHOT, snapshot) != nil || root.VerifyDelegate(metadata.TIMESTAMP, stamp) != nil, nil
}

// file returns the newest published file of a role: its version and its bytes.
func (r *Repository) file(role string) (int64, []byte, error) {
	name, err := r.newest(role)
	if err != nil {
		return 0, nil, err
	}
	data, err := os.ReadFile(r.published(name))
	if err != nil {
		return 0, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	var version int64
	_, err = fmt.Sscanf(name, "%d.", &version)
	return version, data, err
}

func metaFile(version int64, data []byte) *metadata.MetaFiles {
	sum := sha256.Sum256(data)
	m := metadata.MetaFile(version)
	m.Length, m.Hashes = int64(len(data)), metadata.Hashes{"sha256": sum[:]}
	return m
}

// addSignatures signs with those keys whose ids may and that have not yet.
func addSignatures[T metadata.Roles](m *metadata.Metadata[T], ids []string, keys []Key) error {
	for _, k := range keys {
		signed := slices.ContainsFunc(m.Signatures, func(s metadata.Signature) bool { return s.KeyID == k.ID })
		if signed || !slices.Contains(ids, k.ID) {
			continue
		}
		if _, err := m.Sign(k.signer); err != nil {
			return fmt.Errorf("signing with key %s: %w", k.ID, err)
		}
	}
	return nil
}
