package hostwide

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/certs"
)

// mark is in every wrapper: a file that has it may be replaced and removed.
const mark = "# Written by: tcenvsvr certs python-wrapper"

// realName is the guide's name for a Python that a wrapper stands in for.
const realName = "tcpython"

// Wrapper points a Python outside of Apps to our bundle.
type Wrapper struct {
	Python string // the program
	// At is the path of the wrapper. "" replaces Python, which is then called tcpython in the same
	// folder, as in the guide.
	At     string
	Bundle string // trust/current/ca-bundle.pem
}

// Errors of Wrapper.
var (
	ErrDistribution = errors.New("it belongs to the distribution, whose own tools and updates need it as it is\n" +
		"hint: --at /usr/local/bin/NAME writes a wrapper beside it")
	ErrNoWrapper = errors.New("there is no wrapper of ours")
)

// Install writes the wrapper. To repeat it changes nothing.
func (w Wrapper) Install() error {
	fail := func(err error) error { return fmt.Errorf("wrapping Python %q: %w", w.Python, err) }
	info, err := os.Stat(w.Python)
	if err != nil {
		return fail(err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fail(errors.New("it is not a program"))
	}
	python, at := w.Python, w.At
	if at == "" {
		if distribution(w.Python) {
			return fail(ErrDistribution)
		}
		at, python = w.Python, w.moved()
		if !ours(at) {
			if err := keep(at, python); err != nil {
				return fail(err)
			}
		}
	} else if exists(at) && !ours(at) {
		return fail(fmt.Errorf("%q is there already and not ours", at))
	}
	if err := atomicfile.WriteFile(at, w.script(python), 0o755); err != nil {
		return fail(err)
	}
	return nil
}

// Undo removes the wrapper.
func (w Wrapper) Undo() error {
	fail := func(err error) error { return fmt.Errorf("unwrapping Python %q: %w", w.Python, err) }
	at := w.At
	if at == "" {
		at = w.Python
	}
	if !ours(at) {
		return fail(fmt.Errorf("%w in %q", ErrNoWrapper, at))
	}
	if w.At != "" {
		if err := atomicfile.Remove(at); err != nil {
			return fail(err)
		}
		return nil
	}
	if err := atomicfile.Rename(w.moved(), at); err != nil {
		return fail(err)
	}
	return nil
}

func (w Wrapper) moved() string { return filepath.Join(filepath.Dir(w.Python), realName) }

// keep gives the program a second name, so that it exists at every moment: a hard link, or a copy
// of the symbolic link.
func keep(program, name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%q is there already: another wrapper's Python?", name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if target, err := os.Readlink(program); err == nil {
		return os.Symlink(target, name)
	}
	return os.Link(program, name)
}

// script returns the wrapper's text. It warns if the bundle cannot be read: Python's own message
// would say less.
func (w Wrapper) script(python string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "#!/bin/sh\n%s\n# Undo with the same command and --undo.\nbundle=%s\n", mark, quote(w.Bundle))
	b.WriteString("if [ -r \"$bundle\" ]; then\n")
	for _, name := range certs.Variables {
		fmt.Fprintf(&b, "\texport %s=\"$bundle\"\n", name)
	}
	b.WriteString("else\n\techo \"python: cannot read the trusted CAs in $bundle; private CAs are not trusted\" >&2\nfi\n")
	fmt.Fprintf(&b, "exec %s \"$@\"\n", quote(python))
	return b.Bytes()
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func ours(file string) bool {
	data, err := os.ReadFile(file)
	return err == nil && bytes.HasPrefix(data, []byte("#!")) && bytes.Contains(data[:min(len(data), 200)], []byte(mark))
}

func distribution(program string) bool {
	switch filepath.Dir(filepath.Clean(program)) {
	case "/usr/bin", "/bin", "/usr/sbin", "/sbin":
		return true
	}
	return false
}
