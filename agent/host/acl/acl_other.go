//go:build !linux

package acl

import (
	"errors"
	"fmt"
	"os"
)

// Share is for Linux.
func Share(folder *os.File, _, _ []Grant) error {
	return fmt.Errorf("opening %q to others: %w", folder.Name(), errors.ErrUnsupported)
}
