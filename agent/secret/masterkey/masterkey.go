package masterkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/privatefile"
)

// Name is the name of the credential and of the stored descriptor.
const Name = "masterkey"

// maxFile bounds a password file in bytes.
const maxFile = 4096

// errNone means that a source has no password.
var errNone = errors.New("nothing there")

// Source is one place that may hold the password.
type Source struct {
	Name string
	get  func(ctx context.Context) ([]byte, error)
}

// Config says where to look.
type Config struct {
	File   string              // setting masterKeyFile, or a flag; "" = none
	Dir    string              // folder of the keychain
	Getenv func(string) string // of this process
	Kept   []byte              // what Restore returned
}

// Sources returns the sources that answer at once, in the order in which they are tried.
func Sources(c Config) []Source {
	return []Source{
		{"the service manager's descriptor store", func(context.Context) ([]byte, error) {
			if c.Kept == nil {
				return nil, errNone
			}
			return bytes.Clone(c.Kept), nil
		}},
		{"the credential " + Name, func(context.Context) ([]byte, error) { return credential(c.Getenv("CREDENTIALS_DIRECTORY")) }},
		{fmt.Sprintf("the file %q", c.File), func(context.Context) ([]byte, error) { return FromFile(c.File) }},
		{"Windows data protection", func(context.Context) ([]byte, error) { return protected(c.Dir) }},
	}
}

// Asking returns the source that can take minutes: a person.
func Asking() []Source { return []Source{{"systemd-ask-password", ask}} }

// Unlock opens the keychain with the first password that fits. The error wraps keychain.ErrLocked
// if no source has a password, else it says what is wrong with each.
func Unlock(ctx context.Context, k *keychain.Keychain, sources []Source) (from string, password []byte, err error) {
	var errs []error
	for _, s := range sources {
		password, err := s.get(ctx)
		if errors.Is(err, errNone) {
			continue
		}
		if err == nil {
			if err = k.Unlock(password); err == nil {
				return s.Name, password, nil
			}
			clear(password)
		}
		errs = append(errs, fmt.Errorf("taking the master password from %s: %w", s.Name, err))
	}
	if errs == nil {
		return "", nil, keychain.ErrLocked
	}
	return "", nil, errors.Join(errs...)
}

// First returns the first password that a source has. The error wraps keychain.ErrLocked if none
// has one.
func First(ctx context.Context, sources []Source) (from string, password []byte, err error) {
	for _, s := range sources {
		password, err := s.get(ctx)
		if err == nil {
			return s.Name, password, nil
		}
		if !errors.Is(err, errNone) {
			return "", nil, fmt.Errorf("taking the master password from %s: %w", s.Name, err)
		}
	}
	return "", nil, keychain.ErrLocked
}

// FromFile reads a file that holds a password and nothing else. One line break after it is not part
// of the password. The path "" means that there is no password.
func FromFile(path string) ([]byte, error) {
	if path == "" {
		return nil, errNone
	}
	text, err := privatefile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	return there(text)
}

// From is [FromFile] for an open file.
func From(f *os.File) ([]byte, error) {
	text, err := privatefile.From(f, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	return there(text)
}

// there is the password in a file, which must have one.
func there(text []byte) ([]byte, error) {
	password := line(text)
	if len(password) == 0 {
		return nil, errors.New("reading a password: there is none in it")
	}
	return password, nil
}

func line(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}

// credential reads the credential that systemd provides for this service. Its folder, not its mode,
// protects it.
func credential(dir string) ([]byte, error) {
	if dir == "" {
		return nil, errNone
	}
	text, err := os.ReadFile(filepath.Join(dir, Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNone
	}
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return there(text)
}
