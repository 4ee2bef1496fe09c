//go:build !linux && !darwin && !freebsd && !windows

package space

import (
	"errors"
	"syscall"
)

func free(string) (uint64, error) { return 0, errors.ErrUnsupported }

func full(err error) bool { return errors.Is(err, syscall.ENOSPC) }
