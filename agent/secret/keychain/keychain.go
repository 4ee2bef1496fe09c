package keychain

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Errors that callers tell apart.
var (
	// ErrMissing means that there is no keychain yet.
	ErrMissing = errors.New("there is no keychain")
	// ErrExists means that there is one already.
	ErrExists = errors.New("there is a keychain already")
	// ErrLocked means that the master password has not been given.
	ErrLocked = errors.New("the keychain is locked")
	// ErrWrongPassword means that the given password is wrong. Nothing has changed.
	ErrWrongPassword = errors.New("the master password is wrong")
	// ErrDamaged means that the file is not what this package wrote.
	ErrDamaged = errors.New("the keychain is damaged")
	// ErrForeign means that a value was not sealed by this keychain for this setting.
	ErrForeign = errors.New("not sealed by this keychain for this setting")
	// ErrPassword means that a text is not fit to be a master password.
	ErrPassword = errors.New("unfit as master password")
)

// Bounds of a new master password in bytes. The lower one follows from FIPS 140, which wants 112
// bits of security: PBKDF2 does not protect a short password against guessing.
const (
	minPassword = 8
	maxPassword = 1024
)

// Keychain is an open keychain file. It is safe for concurrent use.
type Keychain struct {
	path string

	mu   sync.Mutex
	file file
	data []byte // the data key; nil while locked
}

// Create makes a keychain with a new data key, unlocked.
func Create(path string, password []byte) (*Keychain, error) {
	if err := CheckPassword(password); err != nil {
		return nil, err
	}
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil, fmt.Errorf("creating keychain %q: %w", path, ErrExists)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("creating keychain: %w", err)
	}
	data := make([]byte, keySize)
	_, _ = rand.Read(data) // never fails, see crypto/rand
	k := &Keychain{path: path, data: data}
	if err := k.wrap(password, time.Now()); err != nil {
		return nil, fmt.Errorf("creating keychain %q: %w", path, err)
	}
	return k, nil
}

// Open reads the file and returns a locked keychain.
func Open(path string) (*Keychain, error) {
	f, err := read(path)
	if err != nil {
		return nil, err
	}
	return &Keychain{path: path, file: f}, nil
}

// Unlock opens the data key. With a wrong password it returns ErrWrongPassword and changes nothing.
func (k *Keychain) Unlock(password []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	data, err := k.file.unwrap(password)
	if err != nil {
		return fmt.Errorf("unlocking keychain %q: %w", k.path, err)
	}
	k.data = data
	return nil
}

// Reopen reads the file again before it unlocks the keychain: another process may have changed the
// password. On an error this keychain stays as it was.
func (k *Keychain) Reopen(password []byte) error {
	fresh, err := Open(k.path)
	if err != nil {
		return err
	}
	if err := fresh.Unlock(password); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.file, k.data = fresh.file, fresh.data
	return nil
}

// Lock forgets the data key.
func (k *Keychain) Lock() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.data)
	k.data = nil
}

// Locked reports whether the keychain still needs its password.
func (k *Keychain) Locked() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.data == nil
}

// ChangePassword wraps the data key with another password. Sealed values stay as they are. An
// unlocked keychain needs the old password too.
func (k *Keychain) ChangePassword(old, new []byte) error {
	if err := CheckPassword(new); err != nil {
		return err
	}
	if err := k.Unlock(old); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.wrap(new, k.file.Created); err != nil {
		return fmt.Errorf("changing the password of keychain %q: %w", k.path, err)
	}
	return nil
}

// Info holds the facts about a keychain that may be shown.
type Info struct {
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"` // of the password
	Iterations int       `json:"iterations"`
}

// Info describes the file.
func (k *Keychain) Info() Info {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Info{k.file.Created, k.file.Changed, k.file.Iterations}
}

// CheckPassword returns why a text cannot be a master password.
func CheckPassword(password []byte) error {
	switch n := len(password); {
	case n < minPassword:
		return fmt.Errorf("%w: it has %d bytes, want at least %d", ErrPassword, n, minPassword)
	case n > maxPassword:
		return fmt.Errorf("%w: it has %d bytes, want at most %d", ErrPassword, n, maxPassword)
	}
	for _, c := range password {
		if c == 0 || c == '\n' || c == '\r' { // cannot be typed, or is cut off at the end of a file
			return fmt.Errorf("%w: it has a line break or a zero byte", ErrPassword)
		}
	}
	return nil
}
