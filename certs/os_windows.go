package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// notOpen checks only that path exists: on Windows the folder's ACL decides who may write.
func notOpen(path string) error {
	_, err := os.Stat(path)
	return err
}

// point names the current set in a file, because making links takes a privilege on Windows.
func point(dir, digest string) error {
	return writeFile(filepath.Join(dir, current), []byte(digest+"\r\n"))
}

// pointed returns the digest of the current set, "" if there is none.
func pointed(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, current))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// inode returns 0: on Windows it takes opening the file.
func inode(fs.FileInfo) int64 { return 0 }
