package releases

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/disk/zipdir"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
)

// maxDirectory bounds a bundle's list of its files, in bytes.
const maxDirectory = 8 << 20

// bundle is a file of `tcrelease update-repo bundle`.
type bundle struct {
	metadata map[string][]byte
	targets  map[string]*zip.File
}

// Import publishes a bundle: first its programs are stored, then, in one write, the metadata that
// names them, so that agents see either the old repository or the new one, at whichever gateway. It
// refuses a bundle that does not continue the repository that is here. Of two imports at once the
// later one is checked again over the earlier one.
func (f *Files) Import(ctx context.Context, file io.ReaderAt, size int64) (Known, error) {
	b, err := readBundle(file, size)
	if err != nil {
		return Known{}, err
	}
	for {
		k, err := f.add(ctx, b)
		if !bucket.Overtaken(err) {
			return k, err
		}
	}
}

// add publishes a bundle over what is published now.
func (f *Files) add(ctx context.Context, b *bundle) (Known, error) {
	old, revision, err := f.load(ctx)
	if err != nil {
		return Known{}, err
	}
	next, trusted, signed, err := f.continued(ctx, old, b)
	if err != nil {
		return Known{}, err
	}
	if err := f.store(ctx, b, next, trusted.Releases); err != nil {
		return Known{}, err
	}
	if err := f.publish(ctx, next, signed, revision); err != nil {
		return Known{}, err
	}
	return known(next, trusted.Releases, trusted.Expires), nil
}

// continued returns the repository with the bundle's metadata, what agents will read in it, and when it
// was signed here, if it was.
func (f *Files) continued(ctx context.Context, old *published, b *bundle) (_ *published, _ *metadata.Trusted, signed time.Time, err error) {
	next, stale, err := old.with(b.metadata)
	if err != nil {
		return nil, nil, signed, err
	}
	alone := &published{Roles: maps.Clone(b.metadata)}
	if !old.empty() {
		alone.Roles["1.root.json"] = old.Roles["1.root.json"] // which keys are trusted was told by the first bundle
	}
	if _, err := alone.verify(ctx); err != nil {
		return nil, nil, signed, fmt.Errorf("%w: verifying the bundle: %w", ErrInvalid, err)
	}
	if stale {
		keys, err := f.online()
		if err != nil {
			return nil, nil, signed, err
		}
		if keys == nil {
			return nil, nil, signed, fmt.Errorf("%w: this cloud has signed timestamp %d since, the bundle has %d, and the online keys are not at this gateway: "+
				"add the bundle at the gateway that has them, or make it again after \"tcrelease update-repo refresh\"", ErrInvalid, old.stamped(), alone.stamped())
		}
		signed = time.Now().UTC()
		if next, err = next.signed(keys); err != nil {
			return nil, nil, signed, err
		}
	}
	t, err := next.verify(ctx)
	if err != nil {
		return nil, nil, signed, fmt.Errorf("%w: verifying the bundle over what is here: %w", ErrInvalid, err)
	}
	return next, t, signed, nil
}

// store stores the programs and deltas of a bundle, and sets which ones next has.
func (f *Files) store(ctx context.Context, b *bundle, next *published, listed []release.Release) error {
	here := next.Targets
	next.Targets = nil
	for _, r := range listed {
		for _, name := range files(r) {
			entry := b.targets[name]
			switch {
			case entry != nil:
				if err := f.unpack(ctx, entry, slices.Contains(here, name)); err != nil {
					return err
				}
			case !slices.Contains(here, name):
				continue // of a release that this bundle leaves out
			}
			next.Targets = append(next.Targets, name)
		}
	}
	for name := range b.targets {
		if !slices.Contains(next.Targets, name) {
			return fmt.Errorf("%w: file %.100q belongs to no release of the bundle", ErrInvalid, name)
		}
	}
	return nil
}

func (f *Files) unpack(ctx context.Context, e *zip.File, isPublished bool) error {
	r, err := open(e)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if _, err := f.put(ctx, io.LimitReader(r, release.MaxSize+1), digest(e.Name), isPublished); err != nil {
		return fmt.Errorf("importing file %.100q of the bundle: %w", e.Name, err)
	}
	return nil
}

func readBundle(file io.ReaderAt, size int64) (*bundle, error) {
	z, err := zipdir.Open(file, size, maxDirectory)
	if err != nil {
		return nil, fmt.Errorf("%w: reading the bundle: it is no zip file", ErrInvalid)
	}
	b := &bundle{metadata: map[string][]byte{}, targets: map[string]*zip.File{}}
	left := int64(maxMetadata)
	for _, e := range z.File {
		name, isMetadata := strings.CutPrefix(e.Name, "metadata/")
		target, isTarget := strings.CutPrefix(e.Name, "targets/")
		switch {
		case strings.HasSuffix(e.Name, "/"):
		case isMetadata && name == path.Base(name) && strings.HasSuffix(name, ".json"):
			if b.metadata[name], err = content(e, left); err != nil {
				return nil, err
			}
			left -= int64(len(b.metadata[name]))
		case isTarget && target == path.Clean(target) && digest(target).Valid():
			b.targets[target] = e
		default:
			return nil, fmt.Errorf("%w: file %.100q does not belong into a bundle", ErrInvalid, e.Name)
		}
	}
	return b, nil
}

func content(e *zip.File, limit int64) ([]byte, error) {
	r, err := open(e)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	var data bytes.Buffer
	if _, err := io.Copy(&data, io.LimitReader(r, limit+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("%w: the metadata of the bundle is larger than %d bytes", ErrInvalid, maxMetadata)
	}
	return data.Bytes(), nil
}

// entryReader reads a file of a bundle. That it cannot be read is the bundle's fault, which those who
// copy it elsewhere could not tell from their own.
type entryReader struct {
	io.ReadCloser
	name string
}

func open(e *zip.File) (*entryReader, error) {
	r, err := e.Open()
	if err != nil {
		return nil, unreadable(e.Name, err)
	}
	return &entryReader{r, e.Name}, nil
}

func (r *entryReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unreadable(r.name, err)
	}
	return n, err
}

func unreadable(name string, err error) error {
	return fmt.Errorf("%w: reading %.100q of the bundle: %w", ErrInvalid, name, err)
}
