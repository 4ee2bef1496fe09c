package shim

import (
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/disk/deeptree"
	"tcenvsvr/agent/job/internal/spec"
)

// What must be done as the sandbox user and starts no App: see Main.

// readable proves that this user can read the files, by a byte of each.
func readable(paths []string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err == nil {
			_, err = f.Read(make([]byte, 1))
			_ = f.Close()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return &spec.StartError{Code: spec.CodeUnreadable, Err: fmt.Errorf("reading %q: %w", path, err)}
		}
	}
	return nil
}

// clearDir empties dir of what is ours, also where an App has closed a folder to everybody. It
// follows no link, and what it cannot remove inside is no error: the agent removes the rest and
// finds out.
func clearDir(dir string) error {
	if err := deeptree.Empty(dir, true); !errors.Is(err, deeptree.ErrLeft) {
		return err
	}
	return nil
}
