package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
)

const (
	// storeName is what the keychain binds the keys to; no setting has this name.
	storeName = "sealing-keys"
	maxStore  = 64 << 10 // bytes of the file
)

// Sealer is the keychain that seals the keys of a Store. A value opens under its name only.
type Sealer interface {
	Seal(name, clear string) (string, error)
	Unseal(name, sealed string) (string, error)
}

// Store is the file in which a server keeps its Ring.
type Store struct {
	path  string
	chain Sealer
}

// NewStore returns the store in the file, which need not exist.
func NewStore(path string, chain Sealer) *Store { return &Store{path, chain} }

// Opened is what [Store.Open] found.
type Opened struct {
	Ring Ring
	Made bool // the first key, just now
	// Lost is why keys that were there do not open any more; nil if none were lost. Their file is
	// kept beside the new one with the suffix ".lost", for who finds the old keychain again.
	Lost error
}

// Open reads the ring. Where there is none, or one that this keychain does not open, it makes a new
// one, which is on the disk when Open returns. Where it fails, the disk is as it was: the keychain may
// be locked, and open the keys another time.
func (s *Store) Open(now time.Time) (Opened, error) {
	text, err := s.read()
	found := !errors.Is(err, fs.ErrNotExist)
	if found && err != nil {
		return Opened{}, err
	}
	o := Opened{Made: true}
	if found {
		ring, err := s.parse(text)
		if err == nil {
			return Opened{Ring: ring}, nil
		}
		why, _, _ := strings.Cut(err.Error(), "\n") // the keychain's hint is about settings
		o.Lost = fmt.Errorf("opening the sealing keys %q: %s", s.path, why)
	}
	if o.Ring, err = NewRing(now); err != nil {
		return Opened{}, err
	}
	sealed, err := s.seal(o.Ring)
	if err == nil && found {
		err = atomicfile.WriteFile(s.path+".lost", text, 0o600)
	}
	if err == nil {
		err = atomicfile.WriteFile(s.path, sealed, 0o600)
	}
	if err != nil {
		return Opened{}, fmt.Errorf("keeping the sealing keys: %w", err)
	}
	return o, nil
}

// Keep replaces the ring durably. Only then may a statement of its new key leave the host.
func (s *Store) Keep(r Ring) error {
	text, err := s.seal(r)
	if err == nil {
		err = atomicfile.WriteFile(s.path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keeping the sealing keys: %w", err)
	}
	return nil
}

func (s *Store) seal(r Ring) ([]byte, error) {
	text, err := s.chain.Seal(storeName, string(r.Encode()))
	return []byte(text + "\n"), err
}

func (s *Store) read() ([]byte, error) {
	info, err := os.Stat(s.path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxStore) {
		err = fmt.Errorf("it is no regular file of up to %d bytes", maxStore)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(s.path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the sealing keys %q: %w", s.path, err)
	}
	return bytes.TrimSpace(text), nil
}

func (s *Store) parse(text []byte) (Ring, error) {
	clear, err := s.chain.Unseal(storeName, string(text))
	if err != nil {
		return Ring{}, err
	}
	return ParseRing([]byte(clear))
}
