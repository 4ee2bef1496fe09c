package masterkey

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/secret/privatefile"
)

// entropy keeps other programs' blobs and ours apart.
var entropy = []byte("tcenvsvr masterkey")

func protectedFile(dir string) string { return filepath.Join(dir, "masterkey.dpapi") }

func blob(b []byte) *windows.DataBlob {
	return &windows.DataBlob{Size: uint32(len(b)), Data: unsafe.SliceData(b)}
}

func bytesOf(b windows.DataBlob) []byte {
	defer func() { _, _ = windows.LocalFree(windows.Handle(unsafe.Pointer(b.Data))) }()
	return bytes.Clone(unsafe.Slice(b.Data, b.Size))
}

// protected opens what Protect stored.
func protected(dir string) ([]byte, error) {
	data, err := os.ReadFile(protectedFile(dir))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0 {
		return nil, errNone
	}
	if err != nil {
		return nil, err
	}
	var out windows.DataBlob
	if err := windows.CryptUnprotectData(blob(data), nil, blob(entropy), 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out); err != nil {
		return nil, fmt.Errorf("opening %q: %w", protectedFile(dir), err)
	}
	return bytesOf(out), nil
}

// Generate makes a password that nobody has to know and stores it so that this machine alone opens
// it again: the service and the person who configures it are different users.
func Generate(dir string) ([]byte, error) {
	password := []byte(rand.Text())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("protecting the master password: %w", err)
	}
	return password, protect(dir, password)
}

// Changed stores another password where Generate stored one.
func Changed(dir string, password []byte) error {
	if _, err := os.Stat(protectedFile(dir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return protect(dir, password)
}

func protect(dir string, password []byte) error {
	var out windows.DataBlob
	const flags = windows.CRYPTPROTECT_UI_FORBIDDEN | windows.CRYPTPROTECT_LOCAL_MACHINE
	if err := windows.CryptProtectData(blob(password), nil, blob(entropy), 0, nil, flags, &out); err != nil {
		return fmt.Errorf("protecting the master password: %w", err)
	}
	return atomicfile.WriteFile(protectedFile(dir), bytesOf(out), privatefile.Mode)
}
