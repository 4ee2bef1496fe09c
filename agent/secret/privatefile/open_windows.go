package privatefile

import (
	"io/fs"
	"os"
)

func open(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return nil, unsafe(path, "it is a symbolic link")
	}
	return os.Open(path)
}

func owned(string, fs.FileInfo) error { return nil }

func closed(string, fs.FileInfo) error { return nil }
