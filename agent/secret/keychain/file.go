package keychain

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/secret/privatefile"
)

const (
	keySize  = 32 // AES-256
	saltSize = 32
	format   = "tcenvsvr-keychain-1"
	maxFile  = 4096

	// Bounds of the iterations in a file. Fewer were not written by this package and would make
	// guessing easier; more would hang the program that opens it for over ten seconds.
	minIterations = 100_000
	maxIterations = 10_000_000
)

// iterations of a new file: OWASP's number for PBKDF2-HMAC-SHA-512. They cost time at every start,
// also while a self-update replaces the program. floor is the minimum of an existing file. The
// package's tests lower both.
var iterations, floor = 210_000, minIterations

// file is keychain.json. Everything but Wrapped is bound to it as additional data, so that no field
// can be changed unnoticed.
type file struct {
	Format     string    `json:"format"`
	Iterations int       `json:"iterations"`
	Salt       []byte    `json:"salt"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
	Wrapped    []byte    `json:"wrapped"`
	// Sum is the SHA-256 of all fields above. It protects nothing, but tells a damaged file from a
	// wrong password.
	Sum []byte `json:"sum"`
}

func read(path string) (file, error) {
	text, err := privatefile.Read(path, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file{}, fmt.Errorf("opening keychain %q: %w", path, ErrMissing)
	case err != nil:
		return file{}, fmt.Errorf("opening keychain: %w", err)
	}
	f, err := decode(text)
	if err != nil {
		return file{}, fmt.Errorf("opening keychain %q: %w\nhint: restore it from a backup; without one \"tcenvsvr keychain init --replace\" starts anew and says what is lost", path, err)
	}
	return f, nil
}

func decode(text []byte) (file, error) {
	var f file
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil || d.More() {
		return file{}, fmt.Errorf("%w: it is empty, cut off or not JSON", ErrDamaged)
	}
	switch {
	case f.Format != format:
		return file{}, fmt.Errorf("%w: its format is %.40q, want %q", ErrDamaged, f.Format, format)
	case f.Iterations < floor || f.Iterations > maxIterations:
		return file{}, fmt.Errorf("%w: it asks for %d iterations, want %d to %d", ErrDamaged, f.Iterations, floor, maxIterations)
	case len(f.Salt) != saltSize || len(f.Wrapped) != keySize+overhead:
		return file{}, fmt.Errorf("%w: its salt or key has the wrong length", ErrDamaged)
	case !bytes.Equal(f.Sum, f.digest()):
		return file{}, fmt.Errorf("%w: it is not what was written: its checksum does not fit", ErrDamaged)
	}
	return f, nil
}

func encode(f file) ([]byte, error) {
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}

// bound is the additional data of Wrapped.
func (f file) bound() []byte {
	f.Wrapped, f.Sum = nil, nil
	text, _ := encode(f) // strings, numbers and times of our own
	return text
}

func (f file) digest() []byte {
	f.Sum = nil
	text, _ := encode(f)
	sum := sha256.Sum256(text)
	return sum[:]
}

func (f file) key(password []byte) ([]byte, error) {
	return pbkdf2.Key(sha512.New, string(password), f.Salt, f.Iterations, keySize)
}

func (f file) unwrap(password []byte) ([]byte, error) {
	key, err := f.key(password)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	data, err := open(key, f.Wrapped, f.bound())
	if err != nil {
		return nil, ErrWrongPassword // or the file was changed by hand, checksum and all
	}
	return data, nil
}

// wrap seals the data key with password and writes the file.
func (k *Keychain) wrap(password []byte, created time.Time) error {
	f := file{
		Format: format, Iterations: iterations, Salt: make([]byte, saltSize),
		Created: created.UTC().Truncate(time.Second), Changed: time.Now().UTC().Truncate(time.Second),
	}
	_, _ = rand.Read(f.Salt) // never fails, see crypto/rand
	key, err := f.key(password)
	if err != nil {
		return err
	}
	defer clear(key)
	if f.Wrapped, err = seal(key, k.data, f.bound()); err != nil {
		return err
	}
	f.Sum = f.digest()
	text, err := encode(f)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(k.path, text, privatefile.Mode); err != nil {
		return err
	}
	k.file = f
	return nil
}
