//go:build !windows

package masterkey

import "errors"

func protected(string) ([]byte, error) { return nil, errNone }

// Generate makes a password that the system protects: Windows only.
func Generate(string) ([]byte, error) { return nil, errors.ErrUnsupported }

// Changed stores another password where Generate stored one.
func Changed(string, []byte) error { return nil }
