//go:build !linux && !darwin

package seal

import "io/fs"

// appendInode adds nothing: size and time of modification have to do.
func appendInode(line []byte, _ fs.FileInfo) []byte { return line }
