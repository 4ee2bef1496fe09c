package installation

// ownerOf has no numbers to tell on Windows.
func ownerOf(string) int { return -1 }
