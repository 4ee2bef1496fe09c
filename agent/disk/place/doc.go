// Package place tells a folder from its copies. Records about processes and orders hold only for
// the folder they were written in: an agent that finds them in a copy (a cloned home, a backup) has
// no right to the originals.
//
//	written down at          found at                              the same?
//	/a, inode 7, device 1    /a, inode 7, device 1                 yes
//	/a, inode 7, device 1    /b, inode 7, device 1                 yes: it was renamed, or is mounted elsewhere
//	/a, inode 7, device 1    /a, inode 7, device 2                 yes: devices are numbered anew by a start or a mount
//	/a, inode 7, device 1    /b, inode 9, any device               no: copied
//	/a, inode 7, device 1    /a, inode 9, any device               no: restored from a copy
//	/a, inode 7, device 1    /b, inode 7, device 2                 no: another file system, which may be a snapshot
package place
