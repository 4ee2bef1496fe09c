//go:build unix

package deeptree

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestEmptyTakesFewDescriptors removes ten times as many levels as there may be open files.
func TestEmptyTakesFewDescriptors(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := os.Getwd()
	if err == nil {
		err = syscall.Chdir(dir)
	}
	for range 3000 {
		err = errors.Join(err, os.Mkdir("d", 0o700), os.Symlink(outside, "l"), os.Mkdir(".deep-1", 0o700), syscall.Chdir("d"))
	}
	if err := errors.Join(err, syscall.Chdir(back)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * chunk {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("many", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = 300
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	err = Empty(dir, false)
	if err := errors.Join(err, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %d names, %v", len(left), err)
	}
	if _, err := os.Stat(filepath.Join(outside, "kept")); err != nil {
		t.Error(err)
	}
}
