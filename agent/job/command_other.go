//go:build !linux

package job

import "os"

// scratch is a file that nobody will look for.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "tcenvsvr-shim-*")
	if err == nil {
		_ = os.Remove(f.Name()) // Windows refuses while it is open, and cleans its folder of such files
	}
	return f, err
}
