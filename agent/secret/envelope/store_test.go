package envelope

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lock is a keychain that seals with one word.
type lock string

// locked is one whose password was not given.
const locked lock = ""

func (l lock) Seal(name, clear string) (string, error) {
	if l == locked {
		return "", errors.New("the keychain is locked")
	}
	return string(l) + " " + name + " " + clear, nil
}

func (l lock) Unseal(name, sealed string) (string, error) {
	clear, ok := bytes.CutPrefix([]byte(sealed), []byte(string(l)+" "+name+" "))
	if !ok {
		return "", errors.New("not sealed here\nhint: for settings")
	}
	return string(clear), nil
}

func TestStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	store, now := NewStore(path, lock("one")), time.Now()
	first, err := store.Open(now)
	if err != nil || !first.Made || first.Lost != nil {
		t.Fatal(first, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	next, err := first.Ring.Rotate(now)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Keep(next); err != nil {
		t.Fatal(err)
	}
	if o, err := store.Open(now); err != nil || o.Made || o.Ring.Current().String() != next.Current().String() || len(o.Ring.IDs()) != 2 {
		t.Error(o, err)
	}
	other, err := NewStore(path, lock("other")).Open(now)
	if err != nil || !other.Made || other.Lost == nil || !strings.Contains(other.Lost.Error(), "opening the sealing keys \"") || bytes.Contains([]byte(other.Lost.Error()), []byte("\n")) || len(other.Ring.IDs()) != 1 {
		t.Errorf("with another keychain: %v, %v", other, err)
	}
	if err := os.Rename(path+".lost", path); err != nil {
		t.Fatal(err)
	}
	if o, err := store.Open(now); err != nil || o.Made || len(o.Ring.IDs()) != 2 {
		t.Errorf("what was put aside does not open with its keychain: %v, %v", o, err)
	}
}

func TestStoreRefuses(t *testing.T) {
	now := time.Now()
	for name, prepare := range map[string]func(path string) error{
		"a folder":         func(path string) error { return os.Mkdir(path, 0o700) },
		"what is too long": func(path string) error { return os.WriteFile(path, make([]byte, maxStore+1), 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "keys")
		if err := prepare(path); err != nil {
			t.Fatal(err)
		}
		if o, err := NewStore(path, lock("one")).Open(now); err == nil || !strings.Contains(err.Error(), "it is no regular file of up to 65536 bytes") {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
	if o, err := NewStore(filepath.Join(t.TempDir(), "none", "keys"), lock("one")).Open(now); err == nil {
		t.Errorf("a key that cannot be kept: %v", o)
	}
}

// TestStoreThatCannotKeep: keys that do not open, and cannot be replaced, are in their place when they
// open again.
func TestStoreThatCannotKeep(t *testing.T) {
	path, now := filepath.Join(t.TempDir(), "keys"), time.Now()
	first, err := NewStore(path, lock("one")).Open(now)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := NewStore(path, locked).Open(now); err == nil || !strings.Contains(err.Error(), "keeping the sealing keys: the keychain is locked") || o.Made || o.Lost != nil {
		t.Errorf("locked: %v, %v", o, err)
	}
	if o, err := NewStore(path, lock("one")).Open(now); err != nil || o.Made || o.Ring.Current().String() != first.Ring.Current().String() {
		t.Errorf("unlocked: %v, %v", o, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Mkdir(path+".lost", 0o700); err != nil { // where the old ones cannot be kept, for root too
		t.Fatal(err)
	}
	if o, err := NewStore(path, lock("other")).Open(now); err == nil || o.Made || o.Lost != nil {
		t.Errorf("another keychain, and a disk that takes nothing: %v, %v", o, err)
	}
	if o, err := NewStore(path, lock("one")).Open(now); err != nil || o.Made {
		t.Errorf("the first keychain is back: %v, %v", o, err)
	}
}
