//go:build !linux

package memory

import "runtime/debug"

// Trim gives back the heap that the process does not need now.
func Trim() { debug.FreeOSMemory() }
