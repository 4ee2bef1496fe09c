package packages

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	rpmutils "github.com/sassoftware/go-rpmutils"

	"tcenvsvr/agent/disk/zipdir"
)

// product is the name of the package.
const product = "threatconnect-envsvr"

// maxUnpacked bounds how much of an archive is unpacked to find the program, in bytes.
const maxUnpacked = 1 << 30

// Systems are the kinds of packages.
var Systems = []string{"rpm", "deb", "tar.gz", "zip"}

var (
	// named matches files of tcrelease: NAME-VERSION-RELEASE.ARCH.rpm, NAME_VERSION_ARCH.deb.
	named = regexp.MustCompile(`^` + product + `[-_][0-9A-Za-z.~+_-]{1,100}\.(rpm|deb|tar\.gz|zip)$`)
	// archive matches the name of a tar.gz or zip, which has version, system and architecture.
	archive = regexp.MustCompile(`^` + product + `_(.+)_(linux|windows)_(amd64|arm64)\.(?:tar\.gz|zip)$`)
)

// architectures are Go's names for those of packages.
var architectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}

// Named reports whether a file has the name of a package.
func Named(name string) bool { return named.MatchString(name) }

// Inspect returns what a package is, without its digest.
func Inspect(name string, f io.ReaderAt, size int64) (Package, error) {
	m := named.FindStringSubmatch(name)
	if m == nil {
		return Package{}, fmt.Errorf("%w: file %.100q is not named like one, e.g. %s-1.4.2-1.x86_64.rpm", ErrInvalid, name, product)
	}
	p := Package{Name: name, System: m[1], Size: size}
	look := map[string]func(*Package, io.ReaderAt, int64) error{"rpm": rpm, "deb": deb, "tar.gz": tarball, "zip": zipped}[p.System]
	if err := look(&p, f, size); err != nil {
		return Package{}, fmt.Errorf("%w: reading %q as %s: %w", ErrInvalid, name, p.System, err)
	}
	p.Version = strings.ReplaceAll(p.Version, "~", "-") // 1.0.0~rc.1, which sorts before 1.0.0, is 1.0.0-rc.1
	p.Arch = cmp.Or(architectures[p.Arch], p.Arch)
	// An empty one asks for any: "none" is refused as every other word is.
	if err := (Wanted{Version: cmp.Or(p.Version, "none"), Arch: cmp.Or(p.Arch, "none")}).Check(); err != nil {
		return Package{}, fmt.Errorf("%w: file %q: %w", ErrInvalid, name, err)
	}
	return p, nil
}

func (p *Package) is(name string) error {
	if name != product {
		return fmt.Errorf("it is the package %.60q, want %s", name, product)
	}
	return nil
}

func rpm(p *Package, f io.ReaderAt, size int64) error {
	h, err := rpmutils.ReadHeader(io.NewSectionReader(f, 0, size))
	if err != nil {
		return err
	}
	name, e1 := h.GetString(rpmutils.NAME)
	version, e2 := h.GetString(rpmutils.VERSION)
	arch, e3 := h.GetString(rpmutils.ARCH)
	p.Version, p.Arch, p.Signed = version, arch, h.HasTag(rpmutils.SIG_RSA) || h.HasTag(rpmutils.SIG_PGP)
	return errors.Join(e1, e2, e3, p.is(name))
}

// deb walks the members of the ar archive: 60 bytes with name and size as text, then the content,
// padded to an even length.
func deb(p *Package, f io.ReaderAt, size int64) error {
	head := make([]byte, 60)
	for at := int64(8); at < size; {
		if _, err := f.ReadAt(head, at); err != nil {
			return err
		}
		var length int64
		if _, err := fmt.Sscanf(string(head[48:58]), "%d", &length); err != nil || length < 0 || length > size-at {
			return errors.New("it is no ar archive")
		}
		member := io.NewSectionReader(f, at+60, length)
		switch name := strings.TrimRight(string(head[:16]), " /"); {
		case name == "control.tar.gz":
			if err := control(p, member); err != nil {
				return err
			}
		case strings.HasPrefix(name, "_gpg"):
			p.Signed = true
		}
		at += 60 + length + length%2
	}
	if p.Version == "" {
		return errors.New("it has no control.tar.gz")
	}
	return nil
}

func control(p *Package, member io.Reader) error {
	text, err := fromTar(member, "control", 64<<10)
	if err != nil {
		return err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
			fields[key] = strings.TrimSpace(value)
		}
	}
	p.Arch = fields["Architecture"]
	p.Version, _, _ = strings.Cut(fields["Version"], "-") // the rest numbers the packages of one version
	return p.is(fields["Package"])
}

func tarball(p *Package, f io.ReaderAt, size int64) error {
	program, err := fromTar(io.NewSectionReader(f, 0, size), "usr/libexec/"+product+"/tcenvsvr", headSize)
	if err != nil {
		return err
	}
	return p.setTarget("linux", elf(program))
}

func zipped(p *Package, f io.ReaderAt, size int64) error {
	z, err := zipdir.Open(f, size, maxDirectory)
	if err != nil {
		return err
	}
	program, err := z.Open(product + "/tcenvsvr.exe")
	if err != nil {
		return err
	}
	defer func() { _ = program.Close() }()
	head := make([]byte, headSize)
	n, _ := io.ReadFull(program, head) // too short content is no program
	return p.setTarget("windows", portable(head[:n]))
}

// setTarget sets version and architecture from the name, which must match the program.
func (p *Package) setTarget(system, arch string) error {
	m := archive.FindStringSubmatch(p.Name)
	switch {
	case m == nil || m[2] != system:
		return fmt.Errorf("its name must say what it is, as %s_1.4.2_%s_amd64.%s", product, system, p.System)
	case m[3] != arch:
		return fmt.Errorf("its name says %s, and the program in it is for %q", m[3], arch)
	}
	p.Version, p.Arch = m[1], m[3]
	return nil
}

// fromTar returns the beginning of one file in a tar.gz.
func fromTar(r io.Reader, name string, limit int64) ([]byte, error) {
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	t := tar.NewReader(io.LimitReader(unpacked, maxUnpacked))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("it has no %q", name)
		}
		if err != nil {
			return nil, err
		}
		if path.Clean(h.Name) == name && h.Typeflag == tar.TypeReg {
			return io.ReadAll(io.LimitReader(t, limit))
		}
	}
}

// headSize is how many bytes of a program are read to find its architecture.
const headSize = 4096

// maxDirectory bounds the directory of a zip, in bytes; a package has a dozen files.
const maxDirectory = 1 << 20

// elf returns the architecture of a Linux program, "" if it is none.
func elf(head []byte) string {
	if len(head) < 20 || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	return map[uint16]string{0x3e: "amd64", 0xb7: "arm64"}[binary.LittleEndian.Uint16(head[18:])]
}

// portable returns the architecture of a Windows program, "" if it is none.
func portable(head []byte) string {
	if len(head) < 0x40 || !bytes.HasPrefix(head, []byte("MZ")) {
		return ""
	}
	at := int64(binary.LittleEndian.Uint32(head[0x3c:]))
	if at+6 > int64(len(head)) || string(head[at:at+4]) != "PE\x00\x00" {
		return ""
	}
	return map[uint16]string{0x8664: "amd64", 0xaa64: "arm64"}[binary.LittleEndian.Uint16(head[at+4:])]
}
