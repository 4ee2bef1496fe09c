package space

import (
	"errors"

	"golang.org/x/sys/windows"
)

func free(path string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var ours uint64
	err = windows.GetDiskFreeSpaceEx(name, &ours, nil, nil)
	return ours, err
}

func full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
