//go:build !linux

package netwatch

import (
	"context"
	"errors"
)

// Watch is not possible here.
func Watch(context.Context, func()) error { return errors.ErrUnsupported }
