package image

import (
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// Facts are what a program says about itself.
type Facts struct {
	Product string // the import path of its main package
	Version string // "" where it does not say
	OS      string
	Arch    string
}

// ErrOther says that a program is not what its description says.
var ErrOther = errors.New("the program is another one than its description says")

// Read returns the facts of a Go program.
func Read(r io.ReaderAt) (f Facts, err error) {
	// The readers of the standard library are made for honest files.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading the program's header: %v", p)
		}
	}()
	info, err := buildinfo.Read(r)
	if err != nil {
		return f, fmt.Errorf("reading the program's header: %w", err)
	}
	f.Product, f.Version = info.Path, recorded(info)
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS":
			f.OS = s.Value
		case "GOARCH":
			f.Arch = s.Value
		}
	}
	if arch := machine(r, f.OS); arch != f.Arch {
		return f, fmt.Errorf("%w: its header is for %q, it was built for %q", ErrOther, arch, f.Arch)
	}
	return f, nil
}

// Check compares facts with what they should be; a version that the program
// does not say is not compared.
func (f Facts) Check(want Facts) error {
	for _, c := range []struct{ what, got, want string }{
		{"product", f.Product, want.Product}, {"system", f.OS, want.OS}, {"processor", f.Arch, want.Arch},
		{"version", f.Version, strings.TrimPrefix(want.Version, "v")},
	} {
		if c.got != c.want && (c.what != "version" || c.got != "") {
			return fmt.Errorf("%w: its %s is %q, not %q", ErrOther, c.what, c.got, c.want)
		}
	}
	return nil
}

// recorded is the version of the tag that the program was built from.
func recorded(info *debug.BuildInfo) string {
	v := info.Main.Version
	if v == "(devel)" || strings.HasPrefix(v, "v0.0.0-") {
		return ""
	}
	v, _, _ = strings.Cut(v, "+dirty")
	return strings.TrimPrefix(v, "v")
}

// machine returns the processor of the header in Go's words, "" where it
// is none that we publish for.
func machine(r io.ReaderAt, system string) string {
	switch system {
	case "windows":
		if h, err := pe.NewFile(r); err == nil {
			return map[uint16]string{pe.IMAGE_FILE_MACHINE_AMD64: "amd64", pe.IMAGE_FILE_MACHINE_ARM64: "arm64"}[h.Machine]
		}
	case "darwin":
		if h, err := macho.NewFile(r); err == nil {
			return map[macho.Cpu]string{macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64"}[h.Cpu]
		}
	default:
		if h, err := elf.NewFile(r); err == nil {
			return map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[h.Machine]
		}
	}
	return ""
}
