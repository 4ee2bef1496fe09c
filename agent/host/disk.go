package host

import (
	"fmt"

	"github.com/shirou/gopsutil/v4/disk"
)

// DiskFree is the number of bytes available to the agent's user on the
// file system that holds path.
func DiskFree(path string) (uint64, error) {
	u, err := disk.Usage(path)
	if err != nil {
		return 0, fmt.Errorf("reading free space of %q: %w", path, err)
	}
	return u.Free, nil
}
