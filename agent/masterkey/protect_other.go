//go:build !windows

package masterkey

import "errors"

func protected(string) ([]byte, error) { return nil, errNone }

// Protect is for Windows.
func Protect(string, []byte) error { return errors.ErrUnsupported }
