package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tcenvsvr/agent/disk/zipdir"
)

// Bounds of a bundle: bytes of each file that is read, and number of files.
const (
	maxFile  = 1 << 20
	maxFiles = 1000
	maxLine  = 64 << 10 // bytes of a line of the .env file

	maxDirectory = 2 << 20 // of the ZIP's own directory
)

// KeystorePassword is the only key of the .env file that is not one of the vendor's settings: it
// opens the keystore, and is stored when the keystore is.
const KeystorePassword = "keystorePassword"

// Bundle is what a download holds.
type Bundle struct {
	Settings map[string]string // by the vendor's names
	Keystore []byte            // PKCS#12; nil when the bundle has none
	Package  string            // file name of the installation package in the bundle, for messages; never unpacked
}

// ErrNotABundle means that the file is neither a bundle nor a .env file.
var ErrNotABundle = errors.New("not an Environment Server bundle")

// MaxSize bounds a bundle, which may hold the package of the server, in bytes.
const MaxSize = 512 << 20

// inMemory is how much of a bundle that is not a file is held in memory. A bundle without a package
// is far smaller, so its secrets are never written to a disk here.
const inMemory = 4 << 20

// Open reads a bundle ZIP or a single .env file.
func Open(file string) (*Bundle, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading bundle: %w", err)
	}
	defer f.Close()
	b, err := open(f)
	if err != nil {
		return nil, fmt.Errorf("reading bundle %q: %w", file, err)
	}
	return b, nil
}

// open reads a regular file in place, and a pipe or a device like standard input.
func open(f *os.File) (*Bundle, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return Read(f)
	}
	return Parse(f, info.Size())
}

// Read is [Open] for a stream, e.g. standard input. A large one is copied to a temporary file,
// because the list of a ZIP's files is at its end.
func Read(r io.Reader) (*Bundle, error) {
	head, err := io.ReadAll(io.LimitReader(r, inMemory+1))
	if err != nil {
		return nil, err
	}
	if len(head) <= inMemory {
		return Parse(bytes.NewReader(head), int64(len(head)))
	}
	spool, err := os.CreateTemp("", "tcenvsvr-bundle-*") // for its owner alone
	if err != nil {
		return nil, fmt.Errorf("keeping the bundle for the moment: %w", err)
	}
	defer func() { _, _ = spool.Close(), os.Remove(spool.Name()) }()
	_ = os.Remove(spool.Name()) // where the system allows it, so that not even a kill leaves it behind
	size, err := io.Copy(spool, io.LimitReader(io.MultiReader(bytes.NewReader(head), r), MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("keeping the bundle for the moment: %w", err)
	}
	return Parse(spool, size)
}

// Parse reads a bundle ZIP or a .env file.
func Parse(r io.ReaderAt, size int64) (*Bundle, error) {
	if size > MaxSize {
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrNotABundle, MaxSize)
	}
	var magic [4]byte
	if n, err := r.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if string(magic[:min(n, 2)]) != "PK" {
		return parseAlone(r, size, magic[:n])
	}
	z, err := zipdir.Open(r, size, maxDirectory)
	if errors.Is(err, zip.ErrFormat) {
		return nil, fmt.Errorf("%w: its ZIP is damaged or cut off: download it again", ErrNotABundle)
	}
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
		if !fs.ValidPath(name) || strings.Contains(name, `\`) { // nothing is unpacked by name, but no genuine bundle has such a name
			return nil, fmt.Errorf("%w: it has a file that leads elsewhere, %.80q", ErrNotABundle, f.Name)
		}
		if base := path.Base(name); base == "environment.env" || base == ".env" || base == "keystore.p12" {
			if kind := path.Ext(base); seen[kind] {
				return nil, fmt.Errorf("%w: it has two files of the kind %q", ErrNotABundle, kind)
			}
			seen[path.Ext(base)] = true
		}
		switch base := path.Base(name); {
		case isPackage(base):
			b.Package = base
		case base == "tcenvsvr.exe":
			seen[".exe"] = true
		case base == "environment.env" || base == ".env":
			text, err := readFile(f)
			if err != nil {
				return nil, err
			}
			if b.Settings, err = parseEnv(text); err != nil {
				return nil, err
			}
		case base == "keystore.p12":
			if b.Keystore, err = readFile(f); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case b.Settings == nil && (b.Package != "" || seen[".exe"]):
		return nil, errPackage
	case b.Settings == nil:
		return nil, fmt.Errorf("%w: it has no environment.env", ErrNotABundle)
	}
	return b, nil
}

// parseAlone reads a file that is not a ZIP: a .env file.
func parseAlone(r io.ReaderAt, size int64, magic []byte) (*Bundle, error) {
	switch {
	case slices.ContainsFunc(packageMagics, func(m string) bool { return strings.HasPrefix(string(magic), m) }):
		return nil, errPackage
	case size > maxFile:
		return nil, fmt.Errorf("%w: as a .env file it is larger than %d bytes", ErrNotABundle, maxFile)
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	settings, err := parseEnv(text)
	if err != nil {
		return nil, err
	}
	return &Bundle{Settings: settings}, nil
}

// errPackage is the error of enrolling with the server-only download.
var errPackage = fmt.Errorf("%w: it is the package of the Environment Server alone\nhint: install it, and enroll with the bundle of an Environment", ErrNotABundle)

// packageMagics are how packages begin: rpm, deb, gzip.
var packageMagics = []string{"\xed\xab\xee\xdb", "!<ar", "\x1f\x8b"}

// isPackage reports whether a file of a bundle is the installation package.
func isPackage(name string) bool {
	return strings.HasPrefix(name, "threatconnect-envsvr") &&
		slices.ContainsFunc([]string{".rpm", ".deb", ".tar.gz", ".zip"}, func(kind string) bool { return strings.HasSuffix(name, kind) })
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

// parts are where an unpacked bundle has its files, below the folder it was unpacked into.
var (
	partFolders = []string{"", ".tcenvsvr", "threatconnect-envsvr", "threatconnect-envsvr/.tcenvsvr"}
	envNames    = []string{"environment.env", ".env"}
)

const keystoreName = "keystore.p12"

// FolderFiles are the files that [OpenFolder] looks for; not all exist.
func FolderFiles(dir string) (files []string) {
	for _, folder := range partFolders {
		for _, name := range append(envNames, keystoreName) {
			files = append(files, filepath.Join(dir, filepath.FromSlash(folder), name))
		}
	}
	return files
}

// OpenFolder reads a bundle that was unpacked. open opens one of [FolderFiles].
func OpenFolder(dir string, open func(string) (*os.File, error)) (*Bundle, error) {
	found := map[bool]string{} // by whether it is the keystore
	texts := map[bool][]byte{}
	for _, file := range FolderFiles(dir) {
		isKeystore := filepath.Base(file) == keystoreName
		text, err := readPart(file, open)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case found[isKeystore] != "":
			return nil, fmt.Errorf("%w: it has both %q and %q", ErrNotABundle, found[isKeystore], file)
		}
		found[isKeystore], texts[isKeystore] = file, text
	}
	if found[false] == "" {
		return nil, fmt.Errorf("%w: it has no environment.env", ErrNotABundle)
	}
	settings, err := parseEnv(texts[false])
	if err != nil {
		return nil, err
	}
	return &Bundle{Settings: settings, Keystore: texts[true]}, nil
}

func readPart(file string, open func(string) (*os.File, error)) ([]byte, error) {
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %q is no file", ErrNotABundle, file)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%w: %q is larger than %d bytes", ErrNotABundle, file, maxFile)
	}
	return text, err
}

var keyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]{0,63}$`)

func parseEnv(text []byte) (map[string]string, error) {
	settings := map[string]string{}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // Windows editors put it there
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%w: the settings are in UTF-16\nhint: save the file as UTF-8, or take it as it was downloaded", ErrNotABundle)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !found || !keyPattern.MatchString(key) || len(line) > maxLine {
			return nil, fmt.Errorf("%w: line %d is not KEY=value of at most %d bytes", ErrNotABundle, n, maxLine)
		}
		settings[key] = strings.TrimSpace(value)
	}
	if len(settings) == 0 {
		return nil, fmt.Errorf("%w: it names no setting", ErrNotABundle)
	}
	return settings, nil
}
