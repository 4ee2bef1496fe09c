package install

import (
	"math"

	"golang.org/x/sys/windows"
)

const noFollow = 0

func free(dir string) (blocks, inodes uint64, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(name, &blocks, nil, nil)
	return blocks, math.MaxUint64, err
}
