package shim

import (
	"errors"
	"fmt"
	"io"
	"os"

	"tcenvsvr/agent/job/internal/spec"
)

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
