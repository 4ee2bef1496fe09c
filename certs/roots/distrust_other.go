//go:build !linux && !windows

package roots

var (
	blockFolders                         []string
	redhatTrust, debianList, debianCerts string
)

// addStore: what macOS distrusts is in settings that no tool prints in full.
func (d Distrust) addStore() {}
