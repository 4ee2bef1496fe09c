package app

import (
	"errors"
	"fmt"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/space"
)

// Error is a failure with a code for the order's result, such as "app.sha256_mismatch"; package
// fault lists them.
type Error = fault.Error

// Code returns the code of err, or "" when it has none.
func Code(err error) string { return fault.Code(err) }

// storeError is a failure of our own disk.
func storeError(err error) error {
	if space.Full(err) {
		return &Error{Code: fault.NoSpace, Err: err}
	}
	return &Error{Code: fault.Store, Err: err}
}

// wrap says what was being done and keeps the code.
func wrap(err error, doing string, args ...any) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Code: e.Code, Err: fmt.Errorf(doing+": %w", append(args, e.Err)...)}
	}
	return err
}

func temporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return !ok || e.Temporary()
}
