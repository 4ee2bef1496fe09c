package janitor

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// finished is the folder of a job that is over, and what it takes of the disk.
type finished struct {
	name         string
	last         time.Time
	bytes, files int64
}

// isFinished reports whether a session may be removed for the room it takes.
func (j Janitor) isFinished(name string, keep func(string) bool) bool {
	for _, prefix := range []string{trash, guest, Probe} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return !keep(name)
}

// measure adds up what can be seen: what an App has closed to us counts when it is gone.
func measure(dir, name string) finished {
	path := filepath.Join(dir, name)
	f := finished{name: name, last: touched(path)}
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil {
			f.bytes, f.files = f.bytes+onDisk(info), f.files+1
		}
		return nil
	})
	return f
}

// beyond returns the oldest folders that have to go so that the others are within the bounds.
func beyond(all []finished, most Bounds) []finished {
	slices.SortFunc(all, func(a, b finished) int { return a.last.Compare(b.last) })
	var bytes, files int64
	for _, f := range all {
		bytes, files = bytes+f.bytes, files+f.files
	}
	n := 0
	for ; n < len(all) && (bytes > most.Bytes || most.Files > 0 && files > most.Files); n++ {
		bytes, files = bytes-all[n].bytes, files-all[n].files
	}
	return all[:n]
}
