package tcx

import (
	"context"
	"fmt"
	"os"

	"tcenvsvr/agent/app/fault"
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
	p, m, err := open(file, l)
	if err != nil {
		return Manifest{}, err
	}
	defer p.file.Close()
	if err := p.extract(ctx, dir); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// ReadManifest returns the manifest of a package file and the name of its top folder, after the
// same checks that Unpack makes.
func ReadManifest(file string, l Limits) (m Manifest, top string, err error) {
	p, m, err := open(file, l)
	if err != nil {
		return Manifest{}, "", err
	}
	return m, p.top, p.file.Close()
}

// ReadManifestOf is ReadManifest for a file that is open.
func ReadManifestOf(f *os.File, l Limits) (m Manifest, top string, err error) {
	p := &pack{file: f, most: 1}
	if m, err = p.read(l); err != nil {
		return Manifest{}, "", err
	}
	return m, p.top, nil
}

// open opens and examines the package. The caller closes pack.file.
func open(file string, l Limits) (*pack, Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, Manifest{}, &fault.Error{Code: fault.Store, Err: fmt.Errorf("opening package: %w", err)}
	}
	p := &pack{file: f, most: 1}
	m, err := p.read(l)
	if err != nil {
		_ = f.Close()
		return nil, Manifest{}, err
	}
	return p, m, nil
}

// read examines the package up to the first fault.
func (p *pack) read(l Limits) (Manifest, error) {
	if p.examine(l.withDefaults()); len(p.faults) > 0 {
		return Manifest{}, p.faults[0]
	}
	data, err := p.manifest()
	if err != nil {
		return Manifest{}, err
	}
	return ParseManifest(data)
}
