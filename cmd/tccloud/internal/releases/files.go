package releases

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/zipdir"
	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
	"tcenvsvr/updater/repository"
)

// signEvery is how often the timestamp is signed again; it is valid for repository.TimestampLife.
const signEvery = 12 * time.Hour

// maxBundle bounds what an import may unpack, in bytes.
const maxBundle = 4 << 30

// Files are a repository in a folder of the cloud: metadata, targets and perhaps keys.
type Files struct {
	dir string
	mu  sync.Mutex // of imports and signatures
}

// Open makes the folder if it is missing.
func Open(dir string) (*Files, error) {
	for _, d := range []string{"metadata", "targets"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("opening the folder of releases: %w", err)
		}
	}
	if err := atomicfile.Sweep(dir); err != nil {
		return nil, fmt.Errorf("opening the folder of releases: %w", err)
	}
	return &Files{dir: dir}, nil
}

// Temp returns a file to spool a bundle into, on the disk to which it will be unpacked: the
// system's folder for temporary files may be in memory. The caller removes it; after a crash Open
// does.
func (f *Files) Temp() (*os.File, error) { return os.CreateTemp(f.dir, ".bundle.*.tmp") }

// Known are the releases that are served.
type Known struct {
	Releases []release.Release `json:"releases"`
	Expires  time.Time         `json:"expires"`
	Problem  string            `json:"problem,omitempty"` // why agents cannot use the metadata, e.g. that it is expired
}

func (k Known) has(version string) bool {
	for _, r := range k.Releases {
		if r.Version == version {
			return true
		}
	}
	return false
}

// Releases verifies the metadata as an agent would and lists what it signs.
func (f *Files) Releases(ctx context.Context) (Known, error) {
	root, err := os.ReadFile(filepath.Join(f.dir, "metadata", "1.root.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Known{}, nil
	}
	if err != nil {
		return Known{}, fmt.Errorf("reading the releases: %w", err)
	}
	t, err := verify(ctx, root, os.DirFS(filepath.Join(f.dir, "metadata")))
	if err != nil {
		return Known{Problem: err.Error()}, nil
	}
	return Known{Releases: t.Releases, Expires: t.Expires}, nil
}

func verify(ctx context.Context, root []byte, files fs.FS) (*metadata.Trusted, error) {
	dir, err := os.MkdirTemp("", "tccloud-releases")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return metadata.Client{Root: root, Dir: dir, Source: metadata.FS{FS: files}}.Refresh(ctx)
}

// maxDirectory bounds a bundle's list of its files, in bytes.
const maxDirectory = 8 << 20

// Import adds a bundle of `tcrelease update-repo bundle`: programs first, the timestamp last, so
// that agents see either the old repository or the new one. It refuses a bundle that does not
// continue the repository that is here.
func (f *Files) Import(ctx context.Context, file io.ReaderAt, size int64) (Known, error) {
	z, err := zipdir.Open(file, size, maxDirectory)
	if err != nil {
		return Known{}, fmt.Errorf("%w: reading the bundle: it is no zip file", ErrInvalid)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	inside, err := fs.Sub(z, "metadata")
	if err != nil {
		return Known{}, fmt.Errorf("%w: reading the bundle: %w", ErrInvalid, err)
	}
	root, err := os.ReadFile(filepath.Join(f.dir, "metadata", "1.root.json"))
	if errors.Is(err, fs.ErrNotExist) {
		root, err = fs.ReadFile(inside, "1.root.json") // the first one tells which keys to trust
	}
	if err != nil {
		return Known{}, fmt.Errorf("%w: reading the bundle: %w", ErrInvalid, err)
	}
	t, err := verify(ctx, root, inside)
	if err != nil {
		return Known{}, fmt.Errorf("%w: verifying the bundle: %w", ErrInvalid, err)
	}
	if err := f.unpack(z); err != nil {
		return Known{}, fmt.Errorf("importing the bundle: %w", err)
	}
	return Known{Releases: t.Releases, Expires: t.Expires}, nil
}

// unpack copies programs, then metadata, then the timestamp.
func (f *Files) unpack(z *zip.Reader) error {
	var total uint64
	for _, pass := range []func(string) bool{
		func(n string) bool { return strings.HasPrefix(n, "targets/") },
		func(n string) bool { return strings.HasPrefix(n, "metadata/") && n != "metadata/timestamp.json" },
		func(n string) bool { return n == "metadata/timestamp.json" },
	} {
		for _, e := range z.File {
			if !pass(e.Name) || strings.HasSuffix(e.Name, "/") {
				continue
			}
			if total += e.UncompressedSize64; !filepath.IsLocal(e.Name) || total > maxBundle {
				return fmt.Errorf("%w: file %.100q does not belong into a bundle", ErrInvalid, e.Name)
			}
			if err := f.copy(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *Files) copy(e *zip.File) error {
	to := filepath.Join(f.dir, filepath.FromSlash(e.Name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	from, err := e.Open()
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	return atomicfile.Write(to, 0o644, func(w io.Writer) error {
		_, err := io.CopyN(w, from, int64(e.UncompressedSize64))
		return err
	})
}

// Sign signs snapshot and timestamp again if the online keys are here.
func (f *Files) Sign() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys, err := repository.ReadKeys(filepath.Join(f.dir, "keys"))
	if err != nil {
		return nil // signed elsewhere
	}
	repo, err := repository.Open(f.dir)
	if err != nil {
		return nil // nothing there yet
	}
	return repo.Refresh(keys)
}

// open is a file below metadata/ or targets/.
func (f *Files) open(folder, name string) (*os.File, fs.FileInfo, error) {
	name = path.Clean(name)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, nil, fs.ErrNotExist
	}
	root, err := os.OpenRoot(filepath.Join(f.dir, folder))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}
