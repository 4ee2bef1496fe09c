package facts

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// machineID is systemd's, or D-Bus's where there is no systemd. An image that was not started yet
// has an empty one.
func machineID(context.Context) (string, error) {
	id, err := os.ReadFile("/etc/machine-id")
	if errors.Is(err, fs.ErrNotExist) {
		id, err = os.ReadFile("/var/lib/dbus/machine-id")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(id)), err
}
