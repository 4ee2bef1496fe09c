//go:build !linux

package warm

import "errors"

// Source returns [errors.ErrUnsupported].
func Source(Program) ([]byte, error) { return nil, errors.ErrUnsupported }
