//go:build unix

package tcx

import "syscall"

const umaskKnown = true

// umask sets the process's umask and returns how to set it back.
func umask(mask int) func() {
	old := syscall.Umask(mask)
	return func() { syscall.Umask(old) }
}
