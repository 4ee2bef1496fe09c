//go:build !linux

package shim

import "runtime/debug"

// trim gives back what only the start needed.
func trim() { debug.FreeOSMemory() }
