//go:build !unix

package rootfile

import (
	"errors"
	"fmt"
	"os"
)

// folders knows nothing.
func folders(string) error { return errors.ErrUnsupported }

// open refuses each file that is there: who can write it is not known here.
func open(path string) (*os.File, error) {
	if _, err := os.Lstat(path); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("asking who can write %q: %w", path, errors.ErrUnsupported)
}
