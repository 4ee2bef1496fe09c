//go:build !linux && !windows

package roots

var (
	blockFolders                         []string
	redhatTrust, debianList, debianCerts string
)

// addStore adds nothing: macOS keeps what it distrusts in settings that no tool prints in full.
func (d Distrust) addStore() {}
