// Package atomicfile writes state files so that a crash or a power cut at any moment leaves the old
// or the new content, never a mixture:
//
//	temp file in the same folder → write → chmod → fsync → rename → fsync of the folder
//
// A leftover temp file (".name.*.tmp") is harmless; Sweep removes them at start.
package atomicfile
