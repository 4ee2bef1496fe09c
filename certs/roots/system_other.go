//go:build !linux && !darwin && !windows

package roots

// SystemFiles are the places of the BSDs.
var SystemFiles = []string{"/etc/ssl/cert.pem", "/usr/local/etc/ssl/cert.pem"}

// System returns the host's roots.
func System() (Found, error) { return firstFile(SystemFiles) }
