package install

import (
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// Header is what a program says about itself, without being run: for which system and processor its
// header is, and what the Go toolchain recorded in it.
type Header struct {
	Product string // the import path of its main package
	Version string // "" where it was not built from a tagged revision
	OS      string
	Arch    string
}

// HeaderError says that the header of a program cannot be read, or is not the expected one: the
// release was published by mistake.
type HeaderError struct{ err error }

func (e *HeaderError) Error() string { return e.err.Error() }
func (e *HeaderError) Unwrap() error { return e.err }

// checkHeader reads the header of a program and compares it with the expected one.
func checkHeader(r io.ReaderAt, want Header) error {
	got, err := readHeader(r)
	if err != nil {
		return &HeaderError{fmt.Errorf("reading the program's header: %w", err)}
	}
	if err := got.compare(want); err != nil {
		return &HeaderError{err}
	}
	return nil
}

// readHeader returns what a Go program says about itself.
func readHeader(r io.ReaderAt) (h Header, err error) {
	// The readers of the standard library are made for honest files.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	info, err := buildinfo.Read(r)
	if err != nil {
		return h, err
	}
	h.Product, h.Version = info.Path, recorded(info)
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS":
			h.OS = s.Value
		case "GOARCH":
			h.Arch = s.Value
		}
	}
	if arch := machine(r, h.OS); arch != h.Arch {
		return h, fmt.Errorf("it is for %q, and the program was built for %q", arch, h.Arch)
	}
	return h, nil
}

// compare reports the first field that is not as expected. A version that the program does not say
// is not compared: then the signed one counts.
func (h Header) compare(want Header) error {
	for _, c := range []struct{ what, got, want string }{
		{"product", h.Product, want.Product}, {"system", h.OS, want.OS}, {"processor", h.Arch, want.Arch},
		{"version", h.Version, strings.TrimPrefix(want.Version, "v")},
	} {
		if c.got != c.want && (c.what != "version" || c.got != "") {
			return fmt.Errorf("the program is another one than its description says: its %s is %q, not %q", c.what, c.got, c.want)
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

// machine returns the processor that the file's header is for, as a GOARCH; "" is one that we do
// not publish for.
func machine(r io.ReaderAt, system string) string {
	switch system {
	case "windows":
		if file, err := pe.NewFile(r); err == nil {
			return map[uint16]string{pe.IMAGE_FILE_MACHINE_AMD64: "amd64", pe.IMAGE_FILE_MACHINE_ARM64: "arm64"}[file.Machine]
		}
	case "darwin":
		if file, err := macho.NewFile(r); err == nil {
			return map[macho.Cpu]string{macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64"}[file.Cpu]
		}
	default:
		if file, err := elf.NewFile(r); err == nil {
			return map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[file.Machine]
		}
	}
	return ""
}
