//go:build unix

package serve

import (
	"errors"
	"os"
	"syscall"
)

// lock makes this process the only one on the folder, until it ends or
// unlocks.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("another cloud is running in it")
		}
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
