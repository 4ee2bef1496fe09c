package atomicfile

import "os"

// Entrust does nothing: permissions are inherited from the folder.
func Entrust(*os.File) error { return nil }
