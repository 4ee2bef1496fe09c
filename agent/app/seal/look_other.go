//go:build !linux

package seal

import (
	"io/fs"
	"path"
)

// lookIn takes in everything but folders below dir, in the order of names.
func (l *looker) lookIn(dir string) error {
	return walk(dir, func(name string, info fs.FileInfo) error {
		folder, file := path.Split(name)
		l.add(folder, file, inCache(folder), reportOf(info))
		return nil
	})
}
