package tcx

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/zipdir"
)

// maxFaults is how many faults of a package are counted up.
const maxFaults = 100

// pack is an open package.
type pack struct {
	file    *os.File
	most    int // faults after which it is not read on
	faults  []error
	flat    bool // install.json lies in no folder
	top     string
	others  map[string]bool // top folders beside it
	entries []entry         // the acceptable ones
	bytes   int64
}

type entry struct {
	*zip.File
	path string // below the top folder, slashes; "" is the top folder itself
	dir  bool
}

// Contents is what is in a package, as far as it is acceptable.
type Contents struct {
	Top      string          // folder
	Files    map[string]bool // below the top folder
	Manifest []byte          // install.json, nil if there is none
	Faults   []error         // for which Unpack refuses it, *fault.Error; at most 100

	pack *pack
}

// Read returns a file of the package, of at most limit bytes.
func (c Contents) Read(name string, limit int64) ([]byte, error) {
	for _, e := range c.pack.entries {
		if e.path != name || e.dir {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return nil, fault.New(fault.BadZip, "reading %.200q: %w", name, err)
		}
		defer r.Close()
		data, err := io.ReadAll(io.LimitReader(r, limit+1))
		switch {
		case err != nil:
			return nil, fault.New(fault.BadZip, "reading %.200q: %w", name, err)
		case int64(len(data)) > limit:
			return nil, fault.New(fault.TooLarge, "reading %.200q: it has more than %d bytes", name, limit)
		}
		return data, nil
	}
	return nil, fault.New(fault.NoInstallJSON, "reading package: there is no %.200s", path.Join(c.pack.top, name))
}

// Examine makes the checks that Unpack makes before it writes, and finds all that is wrong, besides
// what is wrong in install.json.
func Examine(f *os.File, l Limits) Contents {
	p := &pack{file: f, most: maxFaults}
	p.examine(l.withDefaults())
	c := Contents{pack: p, Top: p.top, Files: make(map[string]bool, len(p.entries))}
	for _, e := range p.entries {
		if !e.dir {
			c.Files[e.path] = true
		}
	}
	if len(p.entries) > 0 {
		var err error
		if c.Manifest, err = p.manifest(); err != nil && !p.flat {
			p.fault(err)
		}
	}
	c.Faults = p.faults
	return c
}

// fault keeps a fault, and reports whether the package is to be read on.
func (p *pack) fault(err error) bool {
	p.faults = append(p.faults, err)
	return len(p.faults) < p.most
}

// examine looks at the whole directory of the package.
func (p *pack) examine(l Limits) {
	info, err := p.file.Stat()
	if err != nil {
		p.fault(&fault.Error{Code: fault.Store, Err: fmt.Errorf("opening package: %w", err)})
		return
	}
	if info.IsDir() {
		name := filepath.Base(p.file.Name())
		p.fault(fault.New(fault.BadZip, "reading package: it is a folder: zip it, as by \"python3 -m zipfile -c %.100s.tcx %[1]s\"", name))
		return
	}
	r, err := zipdir.Open(p.file, info.Size(), maxDirectory)
	switch {
	case errors.Is(err, zip.ErrFormat):
		p.fault(fault.New(fault.BadZip, "reading package: it is no ZIP archive, or it was cut off"))
		return
	case errors.Is(err, zipdir.ErrTooLarge):
		p.fault(fault.New(fault.TooLarge, "reading package: its directory has more than %d bytes", maxDirectory))
		return
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // paths are checked below
		p.fault(fault.New(fault.BadZip, "reading package: %w", err))
		return
	case len(r.File) > l.Entries:
		p.fault(fault.New(fault.TooLarge, "reading package: %d entries, at most %d are allowed", len(r.File), l.Entries))
		return
	}
	if p.flat = isFlat(r.File); p.flat {
		p.fault(fault.New(fault.TopFolders, "reading package: install.json lies in no folder: zip the folder, not what is in it"))
		return
	}
	kinds := make(map[string]kind, len(r.File))
	for _, f := range r.File {
		if ofDesktop(f.Name) {
			continue
		}
		e, err := p.checkEntry(f, kinds)
		if err != nil && p.strays(f.Name) {
			continue
		}
		if err != nil {
			if !p.fault(err) {
				return
			}
			continue
		}
		if p.bytes += int64(e.UncompressedSize64); p.bytes > l.Bytes {
			p.fault(fault.New(fault.TooLarge, "reading package: it expands to more than %d bytes", l.Bytes))
			return
		}
		p.entries = append(p.entries, e)
	}
	if p.top == "" && len(p.faults) == 0 {
		p.fault(fault.New(fault.TopFolders, "reading package: it is empty"))
	}
}

// strays reports whether an entry that is not accepted lies in another top folder of which that was
// said already.
func (p *pack) strays(name string) bool {
	top, _, below := strings.Cut(name, "/")
	if !below || p.top == "" || top == p.top {
		return false
	}
	again := p.others[top]
	if p.others == nil {
		p.others = map[string]bool{}
	}
	p.others[top] = true
	return again
}

// isFlat reports whether the files of the top folder were packed without it.
func isFlat(files []*zip.File) bool {
	for _, f := range files {
		if f.Name == manifestName {
			return true
		}
	}
	return false
}

// ofDesktop reports whether a name is one of those that the desktop of macOS puts into every archive
// that it makes; they are not unpacked.
func ofDesktop(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top == "__MACOSX" || name[strings.LastIndexByte(name, '/')+1:] == ".DS_Store"
}

const manifestName = "install.json"

// manifest reads install.json of the top folder.
func (p *pack) manifest() ([]byte, error) {
	for _, e := range p.entries {
		if e.path != manifestName || e.dir {
			continue
		}
		r, err := e.Open()
		if err != nil {
			return nil, fault.New(fault.BadZip, "reading install.json: %w", err)
		}
		defer r.Close()
		data, err := io.ReadAll(io.LimitReader(r, MaxManifest+1))
		if err != nil {
			return nil, fault.New(fault.BadZip, "reading install.json: %w", err)
		}
		return data, nil
	}
	return nil, fault.New(fault.NoInstallJSON, "reading package: there is no %s/install.json", p.top)
}
