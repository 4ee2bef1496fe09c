package store

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
	// Need is what a new store must find: the floor, and its first files.
	Need = 2 * floor
)

// Room is the disk under a folder, and how the cloud divides it:
//
//	│ what is kept (Share) … │ reserve: no new orders │ floor: no writes │
//
// The floor is never written to, because NATS that meets the end of a disk
// switches JetStream off, and reading with it.
type Room struct {
	space.Disk
	Dir string
}

// RoomAt looks at the disk that dir is on.
func RoomAt(dir string) (Room, error) {
	d, err := space.Of(dir)
	if err != nil {
		return Room{}, fmt.Errorf("asking for the free space at %q: %w", dir, err)
	}
	return Room{d, dir}, nil
}

// Reserve is what is left for the results of orders that are on their way.
func (r Room) Reserve() uint64 { return min(max(r.Total/20, leastReserve), mostReserve) }

// Low reports that new orders would use the reserve.
func (r Room) Low() bool {
	return r.Free < r.Reserve() || r.Files > 0 && r.FreeFiles < reserveFiles
}

// Full reports that nothing may be written any more.
func (r Room) Full() bool { return r.Free < floor || r.Files > 0 && r.FreeFiles < floorFiles }

// String is how people read it.
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

// Share is one of so many equal parts of the disk, at most most bytes; most
// where the disk is not ours. It depends on the size of the disk alone: what was
// kept yesterday does not go because another program fills the disk today.
func (s *Store) Share(of uint64, most int64) int64 {
	if s.dir == "" {
		return most
	}
	r, err := RoomAt(s.dir)
	if err != nil || r.Total == 0 {
		return most
	}
	return min(most, int64(r.Total/of))
}

// admit refuses a write that could meet the end of the disk. Where the
// system cannot tell, or the disk is not ours, the write will.
func (s *Store) admit() error {
	if s.dir == "" {
		return nil
	}
	if r, err := RoomAt(s.dir); err == nil && r.Full() {
		return fmt.Errorf("%w: %s", ErrFull, r)
	}
	return nil
}
