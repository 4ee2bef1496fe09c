package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrHeld means that another process has the lock.
var ErrHeld = errors.New("in use by another process")

// retry is how often [Wait] tries again. Locks guard work of milliseconds.
const retry = 5 * time.Millisecond

// Lock locks an open file until it is closed. The error wraps [ErrHeld] if another process has the
// lock. On Windows, where a lock keeps others from reading, it covers a byte far behind the data.
func Lock(f *os.File) error {
	if err := lock(f); err != nil {
		return fmt.Errorf("locking %q: %w", f.Name(), err)
	}
	return nil
}

// Try locks the file at path until release is called, and makes the file if it is missing. The
// error wraps [ErrHeld] if another process has the lock.
func Try(path string) (release func(), err error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	if err := Lock(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// Wait is [Try], but waits for other processes until ctx ends; then the error wraps [ErrHeld].
func Wait(ctx context.Context, path string) (release func(), err error) {
	begun := time.Now()
	for {
		release, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: gave up waiting after %s", err, time.Since(begun).Round(100*time.Millisecond))
		case <-time.After(retry):
		}
	}
}

// open follows no symbolic link.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
}
