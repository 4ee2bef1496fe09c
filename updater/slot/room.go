package slot

import (
	"fmt"

	"tcenvsvr/agent/disk/space"
)

const (
	keepFree  = 32 << 20 // bytes that an update leaves free
	minInodes = 64
)

// checkRoom reports whether a program of size bytes fits into dir beside the old one, which stays
// until the new one is whole. Its error is [space.ErrFull] where it does not fit.
func checkRoom(dir string, size int64) error {
	d, err := space.Of(dir)
	if err != nil {
		return fmt.Errorf("self-update: asking how much space is free at %q: %w", dir, err)
	}
	if need := uint64(size) + keepFree; d.Free < need {
		return fmt.Errorf("self-update: %w: %d MiB free at %q, %d MiB needed", space.ErrFull, d.Free>>20, dir, need>>20)
	}
	if d.Files > 0 && d.FreeFiles < minInodes { // btrfs, for one, has no number of inodes
		return fmt.Errorf("self-update: %w: %d inodes free at %q, %d needed", space.ErrFull, d.FreeFiles, dir, minInodes)
	}
	return nil
}
