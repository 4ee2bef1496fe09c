package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrHeld says that somebody else has the lock.
var ErrHeld = errors.New("in use by another process")

// retry is how often Wait looks again. Locks guard work of milliseconds.
const retry = 5 * time.Millisecond

// Take locks an open file until it is closed. The error wraps ErrHeld where
// another has it. On Windows, where locks keep others from reading, it
// covers a byte far behind the data.
func Take(f *os.File) error {
	if err := take(f); err != nil {
		return fmt.Errorf("locking %q: %w", f.Name(), err)
	}
	return nil
}

// Try makes the file path if it is missing and locks it until release.
func Try(path string) (release func(), err error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	if err := Take(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// Wait is Try that waits for others until ctx ends; the error then wraps
// ErrHeld and the cause.
func Wait(ctx context.Context, path string) (release func(), err error) {
	for {
		release, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: gave up waiting: %w", err, context.Cause(ctx))
		case <-time.After(retry):
		}
	}
}

// open follows no symbolic link.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
}
