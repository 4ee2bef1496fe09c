package bundle

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
)

// Bounds of a bundle: bytes of each file that is read, and number of files.
const (
	maxFile  = 1 << 20
	maxFiles = 1000
)

// KeystorePassword is the one key of the .env file that is no setting: it
// opens the keystore and is kept with it.
const KeystorePassword = "keystorePassword"

// Bundle is what a download holds.
type Bundle struct {
	Settings map[string]string // by the vendor's names
	Keystore []byte            // PKCS#12; nil when the bundle has none
}

// ErrNotABundle means that the file is neither a bundle nor a .env file.
var ErrNotABundle = errors.New("not an Environment Server bundle")

// MaxSize bounds a bundle, which may hold the package of the server, in bytes.
const MaxSize = 256 << 20

// Open reads a bundle ZIP or a single .env file.
func Open(file string) (*Bundle, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading bundle: %w", err)
	}
	defer f.Close()
	b, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("reading bundle %q: %w", file, err)
	}
	return b, nil
}

// Read is Open for what comes from elsewhere, e.g. standard input.
func Read(r io.Reader) (*Bundle, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > MaxSize:
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrNotABundle, MaxSize)
	}
	return Parse(data)
}

// Parse reads the bytes of a bundle ZIP or of a .env file.
func Parse(data []byte) (*Bundle, error) {
	if !bytes.HasPrefix(data, []byte("PK")) {
		settings, err := parseEnv(data)
		return &Bundle{Settings: settings}, err
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotABundle, err)
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("%w: it has %d files", ErrNotABundle, len(z.File))
	}
	b := &Bundle{}
	seen := map[string]bool{}
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, "/")
		if !fs.ValidPath(name) || strings.Contains(name, `\`) { // nothing is unpacked by name, but no honest bundle has one
			return nil, fmt.Errorf("%w: it has a file that leads elsewhere, %.80q", ErrNotABundle, f.Name)
		}
		if base := path.Base(name); base == "environment.env" || base == ".env" || base == "keystore.p12" {
			if kind := path.Ext(base); seen[kind] {
				return nil, fmt.Errorf("%w: it has two files of the kind %q", ErrNotABundle, kind)
			}
			seen[path.Ext(base)] = true
		}
		switch path.Base(path.Clean("/" + f.Name)) {
		case "environment.env", ".env":
			text, err := readFile(f)
			if err != nil {
				return nil, err
			}
			if b.Settings, err = parseEnv(text); err != nil {
				return nil, err
			}
		case "keystore.p12":
			if b.Keystore, err = readFile(f); err != nil {
				return nil, err
			}
		}
	}
	if b.Settings == nil {
		return nil, fmt.Errorf("%w: it has no environment.env", ErrNotABundle)
	}
	return b, nil
}

func readFile(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %v", ErrNotABundle, f.Name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %q is damaged: %v", ErrNotABundle, f.Name, err)
	case len(b) > maxFile:
		return nil, fmt.Errorf("%w: %q is larger than %d bytes", ErrNotABundle, f.Name, maxFile)
	}
	return b, nil
}

var keyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,63}$`)

func parseEnv(text []byte) (map[string]string, error) {
	settings := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 64<<10)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !found || !keyPattern.MatchString(key) {
			return nil, fmt.Errorf("%w: line %d is not KEY=value", ErrNotABundle, n)
		}
		settings[key] = strings.TrimSpace(value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotABundle, err)
	}
	if len(settings) == 0 {
		return nil, fmt.Errorf("%w: it names no setting", ErrNotABundle)
	}
	return settings, nil
}
