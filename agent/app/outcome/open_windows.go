package outcome

import "os"

const nonblock = 0 // no FIFOs in the file system

// links: making a hard link on Windows needs the right to write the file.
func links(os.FileInfo) uint64 { return 1 }
