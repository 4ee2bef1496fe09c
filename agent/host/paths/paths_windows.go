package paths

import (
	"io/fs"
	"os"
)

// DefaultHome is the home where TCENVSVR_HOME names none.
const DefaultHome = `C:\ProgramData\threatconnect-envsvr`

// hostCerts is where the host's administrators put private CAs.
const hostCerts = `C:\ProgramData\threatconnect-envsvr-certs.d`

// HostPolicy is the customer's policy, which root alone may write.
const HostPolicy = `C:\ProgramData\threatconnect-envsvr-policy.yaml`

// maxSocket is the longest name of a Unix socket in bytes (afunix.h).
const maxSocket = 107

// ownedByUs trusts the temporary folder, which is the user's own.
func ownedByUs(fs.FileInfo) bool { return true }

// setMode does nothing: permissions are inherited from the parent.
func setMode(string, os.FileMode) error { return nil }
