package install

import (
	"errors"
	"fmt"
)

const (
	reserve   = 32 << 20 // what an update leaves free
	minInodes = 64
)

// ErrNoRoom says that the disk has too little room for a program.
var ErrNoRoom = errors.New("not enough room on the disk")

// Room reports whether a program of that size fits into dir. The old one
// stays until the new one is whole.
func Room(dir string, size int64) error {
	blocks, inodes, err := free(dir)
	if err != nil {
		return fmt.Errorf("asking how much room %q has: %w", dir, err)
	}
	if need := uint64(size) + reserve; blocks < need {
		return fmt.Errorf("%w: %d MiB free at %q, %d MiB needed", ErrNoRoom, blocks>>20, dir, need>>20)
	}
	if inodes < minInodes {
		return fmt.Errorf("%w: %d inodes free at %q, %d needed", ErrNoRoom, inodes, dir, minInodes)
	}
	return nil
}
