package quota

import (
	"errors"
	"fmt"

	"tcenvsvr/agent/disk/space"
)

// ErrFull means that nothing was written because the disk is as good as full.
var ErrFull = errors.New("the store's disk is full")

// How much of a disk is left free, in bytes and in files.
const (
	leastReserve, mostReserve = 32 << 20, 1 << 30
	floor                     = 8 << 20
	reserveFiles, floorFiles  = 512, 64
	// firstBytes and firstFiles are what a new store needs: the floor, and its first files.
	firstBytes, firstFiles = 2 * floor, 2 * floorFiles
)

// Room is the space on the disk under a folder.
type Room struct {
	space.Disk
	Dir string
}

// RoomAt measures the disk that dir is on.
func RoomAt(dir string) (Room, error) {
	d, err := space.Of(dir)
	if err != nil {
		return Room{}, fmt.Errorf("asking for the free space at %q: %w", dir, err)
	}
	return Room{d, dir}, nil
}

// Reserve is how many bytes are kept free for the results of orders that are on their way: a
// twentieth of the disk, 32 MiB to 1 GiB.
func (r Room) Reserve() uint64 { return min(max(r.Total/20, leastReserve), mostReserve) }

// Low reports that new orders would use the reserve.
func (r Room) Low() bool {
	return r.Free < r.Reserve() || r.Files > 0 && r.FreeFiles < reserveFiles
}

// Full reports that nothing may be written any more.
func (r Room) Full() bool { return r.Free < floor || r.Files > 0 && r.FreeFiles < floorFiles }

// String is a sentence about what is free, for people.
func (r Room) String() string {
	if r.Files > 0 && r.FreeFiles < reserveFiles {
		return fmt.Sprintf("%d of %d files (inodes) are free at %q", r.FreeFiles, r.Files, r.Dir)
	}
	return fmt.Sprintf("%s of %s are free at %q", size(r.Free), size(r.Total), r.Dir)
}

// size is a number of bytes for people.
func size(n uint64) string {
	if n < 10<<30 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d GB", n>>30)
}

// Share is one of parts equal parts of the disk under dir, in bytes, and never more than most. It
// depends on the size of the disk alone: what was kept yesterday is not removed because another
// program fills the disk today. Where the size cannot be told, it is most.
func Share(dir string, parts uint64, most int64) int64 {
	r, err := RoomAt(dir)
	if err != nil || r.Total == 0 {
		return most
	}
	return min(most, int64(r.Total/parts))
}

// Admit refuses, with ErrFull, a write in dir that could meet the end of the disk. Where the system
// does not tell what is free, the write itself will fail.
func Admit(dir string) error {
	if r, err := RoomAt(dir); err == nil && r.Full() {
		return fmt.Errorf("%w: %s", ErrFull, r)
	}
	return nil
}

// AdmitFirst refuses, with a TooSmallError, to start a new store where its first files do not fit.
func AdmitFirst(dir string) error {
	if r, err := RoomAt(dir); err == nil && (r.Free < firstBytes || r.Files > 0 && r.FreeFiles < firstFiles) {
		return &TooSmallError{r}
	}
	return nil
}

// TooSmallError means that the disk has no space for a new store.
type TooSmallError struct{ Room Room }

// Error implements error.
func (e *TooSmallError) Error() string {
	return fmt.Sprintf("a new store needs %s and %d files: %s", size(firstBytes), firstFiles, e.Room)
}

// Hint says what an operator can do.
func (e *TooSmallError) Hint() string {
	return "make room there, or give --data a folder on another disk"
}
