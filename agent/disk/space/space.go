package space

import (
	"errors"
	"fmt"
)

// ErrFull says that the disk has less free space than is needed.
var ErrFull = errors.New("not enough free space on the disk")

// Disk is the size of a file system.
type Disk struct {
	Total, Free      uint64 // bytes; Free is without the part reserved for root
	Files, FreeFiles uint64 // inodes; Files is 0 where there is no such bound
}

// Of describes the file system that path is on. It returns errors.ErrUnsupported where the
// operating system cannot tell.
func Of(path string) (Disk, error) { return of(path) }

// Check returns [ErrFull] if fewer than need bytes are free at path. If the system cannot tell it
// returns nil: writing will show it.
func Check(path string, need int64) error {
	d, err := of(path)
	if err == nil && need > 0 && d.Free < uint64(need) {
		return fmt.Errorf("%w: %d MiB needed, %d MiB free at %q", ErrFull, need>>20, d.Free>>20, path)
	}
	return nil
}

// Full reports whether err means that the disk or the quota is full.
func Full(err error) bool { return errors.Is(err, ErrFull) || full(err) }
