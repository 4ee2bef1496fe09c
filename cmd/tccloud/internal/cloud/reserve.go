package cloud

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/tccloud/internal/store/quota"
)

// ballast is a file of nothing, thrown off when its disk is full: a cloud needs
// some files of its own to start, to be read, and to say what it lacks.
type ballast struct{ dir string }

const (
	ballastFile  = "ballast"
	ballastBytes = 4 << 20
	ballastEvery = 2 * time.Second
)

// fit throws it off or takes it on again. Errors are the disk's, which has a check of its own.
func (b ballast) fit() {
	path := filepath.Join(b.dir, ballastFile)
	r, err := quota.RoomAt(b.dir)
	if err != nil {
		return
	}
	_, err = os.Stat(path)
	switch {
	case r.Full() && err == nil:
		_ = os.Remove(path)
	case !r.Low() && errors.Is(err, fs.ErrNotExist):
		_ = atomicfile.Write(path, 0o600, func(w io.Writer) error {
			_, err := w.Write(make([]byte, ballastBytes))
			return err
		})
	}
}

// Run fits it until ctx ends.
func (b ballast) Run(ctx context.Context) error {
	tick := time.NewTicker(ballastEvery)
	defer tick.Stop()
	for {
		b.fit()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
