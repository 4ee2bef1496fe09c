package netwatch

import (
	"context"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test has a network of its own, so that it may change it.
func TestWatchTellsChanges(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	socket, calls, done := make(chan int, 1), make(chan struct{}, 100), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			close(socket)
			return
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) // belongs to the new network wherever it is used
		if err != nil {
			t.Error(err)
		}
		socket <- fd
		done <- Watch(ctx, func() { calls <- struct{}{} })
	}()
	fd, ok := <-socket
	if !ok {
		t.Skip("making a network namespace needs root")
	}
	defer func() { _ = unix.Close(fd) }()

	for n := uint16(0); ; n++ {
		lo, err := unix.NewIfreq("lo")
		if err != nil {
			t.Fatal(err)
		}
		lo.SetUint16(unix.IFF_LOOPBACK | unix.IFF_UP*(n%2))
		if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
			t.Fatal(err)
		}
		select {
		case <-calls:
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			return
		case <-time.After(300 * time.Millisecond):
		}
		if n > 100 {
			t.Fatal("no change was told")
		}
	}
}
