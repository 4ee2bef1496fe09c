package host

import (
	"fmt"
	"math"

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

// Size is the number of bytes and of files (inodes) that the file system which holds path can hold; 0
// files where they are not counted.
func Size(path string) (bytes, files uint64, err error) {
	u, err := disk.Usage(path)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the size of the disk with %q: %w", path, err)
	}
	return u.Total, u.InodesTotal, nil
}

// Room is the number of bytes and of files (inodes) that the file system which holds path has left.
// Where files are not counted there is room for any number.
func Room(path string) (bytes, files uint64, err error) {
	u, err := disk.Usage(path)
	if err != nil {
		return 0, 0, fmt.Errorf("reading free space of %q: %w", path, err)
	}
	if u.InodesTotal == 0 {
		return u.Free, math.MaxUint64, nil
	}
	return u.Free, u.InodesFree, nil
}
