package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"

	"github.com/knadh/koanf/parsers/yaml"
)

// maxFile bounds the file in bytes; all settings together take less.
const maxFile = 1 << 20

// A FileError says why a settings file as a whole cannot be used.
type FileError struct {
	File, Problem, Try string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("reading settings %q: it %s\nhint: %s", e.File, e.Problem, e.Try)
}

// readFile returns the file's keys as they are written there; a missing file has none.
func readFile(name string) (map[string]any, error) {
	if name == "" {
		return nil, nil
	}
	text, info, err := readAll(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if _, ok := errors.AsType[*FileError](err); ok {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	keys, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	if exposed(info) && hasSecret(keys) {
		return nil, &FileError{name, fmt.Sprintf("contains secrets and every user of this host may read it (mode %04o)", info.Mode().Perm()),
			fmt.Sprintf("run \"chmod 600 %s\", and think about who may have read them", name)}
	}
	return keys, nil
}

// readAll reads a settings file. It refuses anything but a regular file, and never waits, e.g. for
// the other end of a pipe.
func readAll(name string) ([]byte, fs.FileInfo, error) {
	f, err := open(name)
	if isLink(err) {
		return nil, nil, &FileError{name, "is a symbolic link", "put a file in its place; a saved file would replace the link"}
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, nil, &FileError{name, "is not a regular file", restore}
	case writable(info):
		return nil, nil, &FileError{name, fmt.Sprintf("may be changed by other users of this host (mode %04o)", info.Mode().Perm()),
			fmt.Sprintf("look at what it says, then run \"chmod 600 %s\"", name)}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	return text, info, err
}

var (
	// twice matches what the YAML parser says of a key that is there twice.
	twice = regexp.MustCompile(`line (\d+): mapping key .* already defined at line (\d+)`)
	// quoted matches what its errors quote from the file: it may be a secret.
	quoted = regexp.MustCompile("(?s)'.*'|`.*`|\".*\"")
	// document matches a separator of YAML documents; the parser would ignore all documents but the
	// first.
	document = regexp.MustCompile(`(?m)^(---|\.\.\.)(\s|$)`)
)

const restore = "restore it from a backup, or remove it and enroll again"

// The first and the last line of a saved file. Part of a file is valid YAML too, so without them a
// file that was cut off, and thus lacks e.g. appsSandboxUser, would pass for a whole one.
const (
	header  = "# Settings of the Environment Server; \"tcenvsvr settings explain KEY\" explains each. They end with \"# end\".\n"
	trailer = "# end\n"
)

// there returns an error if the settings file is missing although the host is enrolled.
func (o Options) there() error {
	if o.File == "" || o.Keystore == "" {
		return nil
	}
	if _, err := os.Lstat(o.File); !errors.Is(err, fs.ErrNotExist) {
		return nil // what is wrong with it, reading it says
	}
	switch _, err := os.Lstat(o.Keystore); {
	case errors.Is(err, fs.ErrNotExist):
		return nil // never enrolled
	case err != nil:
		return fmt.Errorf("reading settings: %w", err)
	}
	return &FileError{o.File, fmt.Sprintf("is gone, and the keystore %q beside it says that this host is enrolled", o.Keystore),
		"restore it from a backup, or enroll again with a fresh bundle (\"tccloud bundle ENV --server XID\", then \"tcenvsvr enroll FILE\")"}
}

func parse(name string, text []byte) (map[string]any, error) {
	switch separators := document.FindAllIndex(text, 2); {
	case len(text) > maxFile:
		return nil, &FileError{name, fmt.Sprintf("has more than %d bytes, which settings do not take", maxFile), restore}
	case len(bytes.TrimSpace(text)) == 0:
		return nil, &FileError{name, "is empty, as after a power cut or on a full disk", restore}
	case bytes.HasPrefix(text, []byte(header)) && !bytes.Contains(text, []byte("\n"+trailer)), bytes.HasPrefix([]byte(header), text):
		return nil, &FileError{name, "is cut off: its last line, \"# end\", is missing", restore + "; if you removed that line yourself, put it back"}
	case bytes.IndexByte(text, 0) >= 0:
		return nil, &FileError{name, "is not a text", restore}
	case len(separators) > 1 || len(separators) == 1 && separators[0][0] > 0:
		return nil, &FileError{name, "has several YAML documents", "join them into one"}
	}
	keys, err := yaml.Parser().Unmarshal(text)
	if m := twice.FindStringSubmatch(fmt.Sprint(err)); m != nil {
		return nil, &FileError{name, fmt.Sprintf("has in line %s a setting that line %s has", m[1], m[2]), "remove one of the two"}
	}
	if err != nil {
		return nil, &FileError{name, "is not a list of settings: " + quoted.ReplaceAllString(err.Error(), "…"), "mend that line, or " + restore}
	}
	return keys, nil
}

// hasSecret reports whether the file holds a secret in plain text.
func hasSecret(keys map[string]any) bool {
	for key, value := range keys {
		text := fmt.Sprint(value)
		if s, ok := Lookup(key); ok && s.Secret && value != nil && text != "" && !isSealed(text) {
			return true
		}
	}
	return false
}
