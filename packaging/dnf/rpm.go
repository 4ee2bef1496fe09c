package dnf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	rpmutils "github.com/sassoftware/go-rpmutils"
)

// rpmFile is what the metadata says about an rpm.
type rpmFile struct {
	*rpmutils.RpmHeader
	rpmutils.NEVRA
	name   string // of the file
	sha256 string
	size   int64
	built  int64
	files  []rpmutils.FileInfo
}

func readRPM(file string) (*rpmFile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header, err := rpmutils.ReadHeader(f)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", file, err)
	}
	nevra, err := header.GetNEVRA()
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", file, err)
	}
	built, err := header.GetInt(rpmutils.BUILDTIME)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", file, err)
	}
	files, err := header.GetFiles()
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", file, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	digest := sha256.New()
	size, err := io.Copy(digest, f)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", file, err)
	}
	return &rpmFile{RpmHeader: header, NEVRA: *nevra, name: filepath.Base(file), sha256: hex.EncodeToString(digest.Sum(nil)),
		size: size, built: int64(built), files: files}, nil
}

// text returns the value of a tag, or "".
func (r *rpmFile) text(tag int) string {
	s, err := r.GetString(tag)
	if err != nil {
		return ""
	}
	return s
}

// relations reads one kind of dependency from its three parallel tags.
func (r *rpmFile) relations(nameTag, versionTag, flagsTag int) ([]relation, error) {
	names, err := r.GetStrings(nameTag)
	if errors.As(err, new(rpmutils.NoSuchTagError)) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	versions, err := r.GetStrings(versionTag)
	if err != nil {
		return nil, err
	}
	flags, err := r.GetUint32s(flagsTag)
	if err != nil {
		return nil, err
	}
	if len(versions) != len(names) || len(flags) != len(names) {
		return nil, fmt.Errorf("relations of %s: %d names, %d versions, %d flags", r.name, len(names), len(versions), len(flags))
	}
	var all []relation
	for i, name := range names {
		if strings.HasPrefix(name, "rpmlib(") { // rpm itself answers for these
			continue
		}
		all = append(all, newRelation(name, versions[i], flags[i]))
	}
	return all, nil
}

var comparisons = map[uint32]string{2: "LT", 4: "GT", 8: "EQ", 2 | 8: "LE", 4 | 8: "GE"}

func newRelation(name, version string, flags uint32) relation {
	out := relation{Name: name, Flags: comparisons[flags&0xe]}
	if out.Flags == "" {
		return out
	}
	out.Epoch = "0"
	if epoch, rest, ok := strings.Cut(version, ":"); ok {
		out.Epoch, version = epoch, rest
	}
	out.Version = version
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		out.Version, out.Release = version[:i], version[i+1:]
	}
	return out
}

// listed are the package's entries as the metadata knows them; only returns those that dnf resolves
// by name without the full list.
func (r *rpmFile) listed(primaryOnly bool) []entry {
	var all []entry
	for _, f := range r.files {
		e := entry{Path: f.Name()}
		switch {
		case f.Mode()&0o170000 == 0o040000:
			e.Type = "dir"
		case f.Flags()&rpmutils.RPMFILE_GHOST != 0:
			e.Type = "ghost"
		}
		if primaryOnly && !strings.HasPrefix(e.Path, "/etc/") && !strings.Contains(e.Path, "bin/") {
			continue
		}
		all = append(all, e)
	}
	return all
}

// find lists the packages of a folder by name.
func find(dir string) ([]*rpmFile, error) {
	names, err := fs.Glob(os.DirFS(dir), "*.rpm")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no .rpm in %q", dir)
	}
	var all []*rpmFile
	for _, name := range names {
		r, err := readRPM(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
