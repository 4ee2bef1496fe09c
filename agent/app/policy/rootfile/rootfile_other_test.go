//go:build !unix

package rootfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/agent/app/policy/rootfile"
)

func TestFileIsNotSupportedAndNoFileIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if _, err := rootfile.Read(path, 10, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rootfile.Read(path, 10, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want %v", err, errors.ErrUnsupported)
	}
}
