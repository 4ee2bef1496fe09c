package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// startingFile is in the data folder of a cloud from its start until it is ready.
const startingFile = "starting"

// How long clients wait for a cloud: for a sign of one, and then for the one that is starting. A
// start takes longer than that only where a store is large or other members of a cluster are away.
const (
	signTime  = 3 * time.Second
	startTime = time.Minute
)

// Starting tells clients on this host that a cloud is starting in dir, until [WriteEndpoint] says
// that it is ready or done is called. What a cloud that was killed said is taken back.
func Starting(dir string) (done func(), err error) {
	file := filepath.Join(dir, startingFile)
	if err := RemoveEndpoint(dir); err != nil {
		return nil, err
	}
	_ = os.WriteFile(file, nil, 0o644) // without it clients do not wait for long, that is all
	return func() { _ = os.Remove(file) }, nil
}

// starting reports whether a cloud is starting in dir. One that was killed meanwhile is not, once
// its time is over.
func starting(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, startingFile))
	return err == nil && time.Since(info.ModTime()).Abs() < startTime
}

// Await waits until the cloud in dir is ready. The error is [ErrNotRunning] if none is starting
// there within a few seconds.
func Await(ctx context.Context, dir string) error {
	for began := time.Now(); ; {
		_, err := ReadEndpoint(dir)
		if !errors.Is(err, ErrNotRunning) {
			return err
		}
		waited := time.Since(began)
		switch {
		case waited > startTime:
			return fmt.Errorf("%w: the one in %q is still starting", ErrNotRunning, dir)
		case waited > signTime && !starting(dir):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
