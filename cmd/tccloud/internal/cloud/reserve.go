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

// reserveFile is a file of zeros that is removed when its disk is full: the cloud needs some space
// for its own files to start, to be read, and to report what it lacks.
type reserveFile struct{ dir string }

const (
	reserveName  = "reserve"
	reserveBytes = 4 << 20
	reserveEvery = 2 * time.Second
)

// adjust removes the file from a full disk, and writes it again when there is space. It ignores
// errors: package health checks the disk.
func (b reserveFile) adjust() {
	path := filepath.Join(b.dir, reserveName)
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
			_, err := w.Write(make([]byte, reserveBytes))
			return err
		})
	}
}

// Run adjusts the file until ctx ends.
func (b reserveFile) Run(ctx context.Context) error {
	tick := time.NewTicker(reserveEvery)
	defer tick.Stop()
	for {
		b.adjust()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
