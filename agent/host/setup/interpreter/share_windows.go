package interpreter

import "io/fs"

const noFollow = 0

func sameOwner(fs.FileInfo, fs.FileInfo) bool { return true }
