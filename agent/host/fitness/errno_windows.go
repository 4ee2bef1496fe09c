package fitness

import "golang.org/x/sys/windows"

// numbers are the errors of the system that every other order would get as well.
var numbers = []struct {
	errno error
	code  string
}{
	{windows.ERROR_DISK_FULL, NoSpace}, {windows.ERROR_HANDLE_DISK_FULL, NoSpace},
	{windows.ERROR_WRITE_PROTECT, ReadOnly},
	{windows.ERROR_IO_DEVICE, IO}, {windows.ERROR_CRC, IO}, {windows.ERROR_NOT_READY, IO}, {windows.ERROR_FILE_CORRUPT, IO}, {windows.ERROR_DISK_CORRUPT, IO},
	{windows.ERROR_TOO_MANY_OPEN_FILES, NoFiles},
	{windows.ERROR_NOT_ENOUGH_MEMORY, NoProcess}, {windows.ERROR_COMMITMENT_LIMIT, NoProcess},
}
