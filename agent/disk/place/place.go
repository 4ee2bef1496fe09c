package place

import (
	"fmt"
	"os"
	"path/filepath"
)

// Place is where a folder is. The zero value is no place, and the same as none.
type Place struct {
	Path   string `json:"path"`
	Inode  uint64 `json:"inode,omitempty"` // 0 where the system has none
	Device uint64 `json:"device,omitempty"`
}

// Of is the place of a folder that is there.
func Of(dir string) (Place, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return Place{}, fmt.Errorf("finding out where %q is: %w", dir, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Place{}, err
	}
	p := Place{Path: path}
	p.Device, p.Inode = numbers(info)
	return p, nil
}

// Same reports whether both are the same folder, and not one the copy of the other.
func (p Place) Same(q Place) bool {
	return p.Path != "" && q.Path != "" && p.Inode == q.Inode && (p.Path == q.Path || p.Inode != 0 && p.Device == q.Device)
}
