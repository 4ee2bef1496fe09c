//go:build !linux && !darwin && !freebsd && !windows

package space

import (
	"errors"
	"syscall"
)

func of(string) (Disk, error) { return Disk{}, errors.ErrUnsupported }

func full(err error) bool { return errors.Is(err, syscall.ENOSPC) }
