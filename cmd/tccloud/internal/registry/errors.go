package registry

import (
	"errors"
	"fmt"

	"tcenvsvr/agent/link/wire"
)

// Errors that callers tell apart.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("invalid")
)

// Denied says why a server may not connect.
type Denied struct {
	Code    wire.Code
	Message string // for people; nothing secret in it
}

func (d *Denied) Error() string { return string(d.Code) + ": " + d.Message }

func denied(code wire.Code, format string, args ...any) error {
	return &Denied{code, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w %w", ErrInvalid, fmt.Errorf(format, args...))
}
