package handover

import "io/fs"

// On Windows agent and helper are the same user, and the folder's ACL keeps others out.
func ownedBy(fs.FileInfo, int) bool { return true }

func links(fs.FileInfo) uint64 { return 1 }
