package certs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// notOpen: who may write what is a matter of the folder's ACL on Windows.
func notOpen(path string) error {
	_, err := os.Stat(path)
	return err
}

// point names the current set. Links are not for everybody on Windows: a
// file tells the name.
func point(dir, digest string) error {
	return writeFile(filepath.Join(dir, current), []byte(digest+"\r\n"))
}

// pointed is the digest of the current set, "" if there is none.
func pointed(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, current))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// inode: Windows tells it only to who opens the file.
func inode(fs.FileInfo) int64 { return 0 }
