package releases

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

const timestamp = "timestamp.json"

// maxMetadata bounds all metadata of a repository together, in bytes: a release takes about one KB.
const maxMetadata = 16 << 20

// maxPublished bounds a published in JSON, in bytes: two generations of metadata, in base64.
const maxPublished = 4 * maxMetadata

// published is a repository as agents see it at one moment. It is never changed: the next one takes
// its place.
type published struct {
	// Roles are the files below metadata/ by their names: all roots, of targets and snapshot the newest
	// two, since an agent may have read the timestamp before, and the timestamp.
	Roles map[string][]byte `json:"metadata"`
	// Targets are the files below targets/. The name of each begins with the SHA-256 of its content.
	Targets []string `json:"targets"`
}

// Metadata implements metadata.Source.
func (p *published) Metadata(_ context.Context, name string, limit int64) ([]byte, error) {
	data, ok := p.Roles[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no %s: %w", name, fs.ErrNotExist)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s has %d bytes, %d are allowed", name, len(data), limit)
	}
	return data, nil
}

func (p *published) empty() bool { return len(p.Roles) == 0 }

// verify checks p as an agent with the first root would that sees it for the first time.
func (p *published) verify(ctx context.Context) (*metadata.Trusted, error) {
	dir, err := os.MkdirTemp("", "tccloud-releases")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return metadata.Client{Root: p.Roles["1.root.json"], Dir: dir, Source: p}.Refresh(ctx)
}

// files are what a release has below targets/.
func files(r release.Release) []string {
	list := []string{r.File()}
	for _, d := range r.Deltas {
		list = append(list, r.DeltaFile(d))
	}
	return list
}

// digest is the SHA-256 that the name of a target begins with; not valid for other names.
func digest(target string) wire.SHA256 {
	sum, _, _ := strings.Cut(path.Base(target), ".")
	return wire.SHA256(sum)
}

// versions are the numbers of the role's files, the lowest one first.
func (p *published) versions(role string) []int {
	var list []int
	for name := range p.Roles {
		if number, ok := strings.CutSuffix(name, "."+role+".json"); ok {
			if n, err := strconv.Atoi(number); err == nil {
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return list
}

// newest is the highest of versions, 0 if there is none.
func (p *published) newest(role string) int {
	list := p.versions(role)
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1]
}

func numbered(version int, role string) string { return fmt.Sprintf("%d.%s.json", version, role) }

// stamped is the version of the timestamp, 0 if there is none that can be read.
func (p *published) stamped() int {
	var t struct {
		Signed struct{ Version int }
	}
	if json.Unmarshal(p.Roles[timestamp], &t) != nil {
		return 0
	}
	return t.Signed.Version
}

// with is p with the metadata of a bundle. Agents refuse whatever has a lower version than they have
// seen, so it is refused here what would have one. stale reports that the cloud has signed snapshot
// and timestamp since the bundle was made: the bundle's are worthless then, and new ones are needed.
func (p *published) with(bundle map[string][]byte) (next *published, stale bool, err error) {
	add := &published{Roles: bundle}
	for name, data := range bundle {
		here, ok := p.Roles[name]
		signed := strings.HasSuffix(name, ".root.json") || strings.HasSuffix(name, ".targets.json")
		if ok && signed && !bytes.Equal(here, data) {
			return nil, false, fmt.Errorf("%w: its %s is not the one that is here: it is of another repository, or another bundle was added that was made from the same one", ErrInvalid, name)
		}
	}
	for _, role := range []string{"root", "targets"} {
		if theirs, ours := add.newest(role), p.newest(role); theirs < ours {
			return nil, false, fmt.Errorf("%w: it is older than what is here: version %d of its %s, %d of that here", ErrInvalid, theirs, role, ours)
		}
	}
	next = &published{Roles: maps.Clone(p.Roles), Targets: p.Targets}
	if next.Roles == nil {
		next.Roles = map[string][]byte{}
	}
	same := bytes.Equal(bundle[timestamp], p.Roles[timestamp])
	stale = !same && (add.stamped() <= p.stamped() || add.newest("snapshot") < p.newest("snapshot"))
	for name, data := range bundle {
		if stale && (name == timestamp || strings.HasSuffix(name, ".snapshot.json")) {
			continue
		}
		next.Roles[name] = data
	}
	next.prune()
	return next, stale, nil
}

// prune drops what no agent asks for any more.
func (p *published) prune() {
	for _, role := range []string{"targets", "snapshot"} {
		list := p.versions(role)
		for _, n := range list[:max(0, len(list)-2)] {
			delete(p.Roles, numbered(n, role))
		}
	}
}

// signed is p with a new snapshot and a new timestamp.
func (p *published) signed(keys []repository.Key) (*published, error) {
	dir, err := os.MkdirTemp("", "tccloud-releases")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	folder := filepath.Join(dir, "metadata")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	for name, data := range p.Roles {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	repo, err := repository.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := repo.Refresh(keys); err != nil {
		return nil, err
	}
	next := &published{Roles: map[string][]byte{}, Targets: p.Targets}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if next.Roles[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return nil, err
		}
	}
	next.prune()
	return next, nil
}
