package install

import (
	"errors"
	"fmt"

	"tcenvsvr/agent/disk/space"
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
	disk, err := space.Of(dir)
	if err != nil {
		return fmt.Errorf("asking how much room %q has: %w", dir, err)
	}
	if need := uint64(size) + reserve; disk.Free < need {
		return fmt.Errorf("%w: %d MiB free at %q, %d MiB needed", ErrNoRoom, disk.Free>>20, dir, need>>20)
	}
	if disk.Files > 0 && disk.FreeFiles < minInodes { // btrfs, which makes inodes as needed, has no bound
		return fmt.Errorf("%w: %d inodes free at %q, %d needed", ErrNoRoom, disk.FreeFiles, dir, minInodes)
	}
	return nil
}
