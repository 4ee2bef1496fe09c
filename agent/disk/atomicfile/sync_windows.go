package atomicfile

// SyncDir does nothing: NTFS journals metadata and Windows has no fsync for folders.
func SyncDir(string) error { return nil }
