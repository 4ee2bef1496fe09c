package tcx

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/zipdir"
)

// Limits of what a package may expand to. The zero value of a field means the default.
type Limits struct {
	Bytes   int64 // of all files together; default 2 GiB
	Entries int   // files and folders; default 100,000
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 2 << 30
	}
	if l.Entries <= 0 {
		l.Entries = 100_000
	}
	return l
}

// Unpack writes the package file into dir, an existing empty folder, and returns its manifest. On
// success everything is flushed to the disk; after an error the caller removes dir. Errors are
// *fault.Error, or ctx's.
func Unpack(ctx context.Context, file, dir string, l Limits) (Manifest, error) {
	p, err := open(file, l.withDefaults())
	if err != nil {
		return Manifest{}, err
	}
	defer p.file.Close()
	m, err := p.manifest()
	if err != nil {
		return Manifest{}, err
	}
	if err := p.extract(ctx, dir); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// ReadManifest returns the manifest of a package file and the name of its top folder, after the
// same checks that Unpack makes.
func ReadManifest(file string, l Limits) (m Manifest, top string, err error) {
	f, err := openFile(file)
	if err != nil {
		return Manifest{}, "", err
	}
	defer f.Close()
	return ReadManifestOf(f, l)
}

// ReadManifestOf is ReadManifest for a file that is open.
func ReadManifestOf(f *os.File, l Limits) (m Manifest, top string, err error) {
	p := &pack{file: f}
	if err := p.examine(l.withDefaults()); err != nil {
		return Manifest{}, "", err
	}
	m, err = p.manifest()
	return m, p.top, err
}

// pack is an open package; all its entries are acceptable.
type pack struct {
	file    *os.File
	top     string
	entries []entry
	bytes   int64
}

type entry struct {
	*zip.File
	path string // below the top folder, slashes; "" is the top folder itself
	dir  bool
}

// open opens and examines the package. The caller closes pack.file.
func open(file string, l Limits) (*pack, error) {
	f, err := openFile(file)
	if err != nil {
		return nil, err
	}
	p := &pack{file: f}
	if err := p.examine(l); err != nil {
		_ = f.Close()
		return nil, err
	}
	return p, nil
}

func openFile(file string) (*os.File, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &fault.Error{Code: fault.Store, Err: fmt.Errorf("opening package: %w", err)}
	}
	return f, nil
}

func (p *pack) examine(l Limits) error {
	info, err := p.file.Stat()
	if err != nil {
		return &fault.Error{Code: fault.Store, Err: fmt.Errorf("opening package: %w", err)}
	}
	r, err := zipdir.Open(p.file, info.Size(), maxDirectory)
	switch {
	case errors.Is(err, zipdir.ErrTooLarge):
		return fault.New(fault.TooLarge, "reading package: its directory has more than %d bytes", maxDirectory)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // paths are checked below
		return fault.New(fault.BadZip, "reading package: %w", err)
	case len(r.File) > l.Entries:
		return fault.New(fault.TooLarge, "reading package: %d entries, at most %d are allowed", len(r.File), l.Entries)
	}
	kinds := make(map[string]kind, len(r.File))
	for _, f := range r.File {
		e, err := p.checkEntry(f, kinds)
		if err != nil {
			return err
		}
		if p.bytes += int64(e.UncompressedSize64); p.bytes > l.Bytes {
			return fault.New(fault.TooLarge, "reading package: it expands to more than %d bytes", l.Bytes)
		}
		p.entries = append(p.entries, e)
	}
	if p.top == "" {
		return fault.New(fault.TopFolders, "reading package: it is empty")
	}
	return nil
}

// manifest reads install.json of the top folder.
func (p *pack) manifest() (Manifest, error) {
	for _, e := range p.entries {
		if e.path != "install.json" || e.dir {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return Manifest{}, fault.New(fault.BadZip, "reading install.json: %w", err)
		}
		defer r.Close()
		data, err := io.ReadAll(io.LimitReader(r, MaxManifest+1))
		if err != nil {
			return Manifest{}, fault.New(fault.BadZip, "reading install.json: %w", err)
		}
		return ParseManifest(data)
	}
	return Manifest{}, fault.New(fault.NoInstallJSON, "reading package: there is no %s/install.json", p.top)
}
