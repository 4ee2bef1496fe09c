package interpreter

import "io/fs"

func sameOwner(fs.FileInfo, fs.FileInfo) bool { return true }
