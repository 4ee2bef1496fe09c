package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tcenvsvr/agent/disk/plainfile"
)

// mostLooked bounds what is read of a file, which may be anything: a journal grows with the orders that wait for
// their acknowledgement.
const mostLooked = 256 << 20

// Look says what is damaged in the journal in dir, "" if nothing is. It changes nothing, and is for a journal that
// no agent has open: what one is writing may look damaged.
func Look(dir string) (damage string, err error) {
	var found []string
	gone := 0
	var files [2]*os.File
	var sizes [2]int64
	var heads [2]head
	for i := range files {
		f, err := os.OpenFile(filepath.Join(dir, fileName(i)), os.O_RDONLY|plainfile.Flags, 0)
		if errors.Is(err, fs.ErrNotExist) {
			found = append(found, fileName(i)+" is gone")
			gone++
			continue
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		info, err := f.Stat()
		switch {
		case err != nil:
			return "", err
		case !info.Mode().IsRegular():
			found = append(found, fileName(i)+" is no file")
			continue
		}
		files[i], sizes[i] = f, min(info.Size(), mostLooked)
		if heads[i], err = readHead(f); errors.Is(err, errDamaged) {
			found = append(found, fileName(i)+": "+err.Error())
		} else if err != nil {
			return "", err
		}
	}
	if gone == len(files) {
		return "", fs.ErrNotExist
	}
	current := 0
	if heads[1].generation > heads[0].generation {
		current = 1
	}
	if f := files[current]; f != nil && heads[current].generation > 0 {
		s, err := scan(f, sizes[current], heads[current].generation, func(*parts, int64, bool) error { return nil })
		if err != nil {
			return "", err
		}
		for _, d := range s.damage {
			found = append(found, fileName(current)+": "+d)
		}
	}
	return strings.Join(found, "; "), nil
}
