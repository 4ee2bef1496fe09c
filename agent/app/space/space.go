package space

import (
	"errors"
	"fmt"
)

// ErrFull says that the disk has less free space than is needed.
var ErrFull = errors.New("not enough free space on the disk")

// Check returns ErrFull when fewer than need bytes are free for us at
// path. Where the system cannot tell it returns nil: the write will.
func Check(path string, need int64) error {
	free, err := free(path)
	if err == nil && need > 0 && free < uint64(need) {
		return fmt.Errorf("%w: %d MiB needed, %d MiB free at %q", ErrFull, need>>20, free>>20, path)
	}
	return nil
}

// Full reports whether err means that the disk or the quota is full.
func Full(err error) bool { return errors.Is(err, ErrFull) || full(err) }
