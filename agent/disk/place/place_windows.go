package place

import "io/fs"

func numbers(fs.FileInfo) (device, inode uint64) { return 0, 0 }
