package space

import (
	"errors"

	"golang.org/x/sys/windows"
)

func of(path string) (d Disk, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(name, &d.Free, &d.Total, nil)
	}
	return d, err
}

func full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
