package place

import (
	"fmt"
	"os"
	"path/filepath"
)

// Place identifies a folder. The zero value is no place, and is not the same as any other.
type Place struct {
	Path   string `json:"path"`
	Inode  uint64 `json:"inode,omitempty"` // 0 where the system has none
	Device uint64 `json:"device,omitempty"`
}

// Of returns the place of an existing folder.
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

// Same reports whether p and q are the same folder, and not copies of each other.
func (p Place) Same(q Place) bool {
	return p.Path != "" && q.Path != "" && p.Inode == q.Inode && (p.Path == q.Path || p.Inode != 0 && p.Device == q.Device)
}
