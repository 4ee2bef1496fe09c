package paths

// Barrier returns "": on Windows no folder above keeps a process from a file.
func Barrier(string) string { return "" }

// Opening returns "".
func Opening(string, string) string { return "" }
