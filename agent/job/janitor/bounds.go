package janitor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// finished is the folder of a job that is over, and the space that it takes on the disk.
type finished struct {
	name         string
	last         time.Time
	bytes, files int64
}

// isFinished reports whether a session may be removed for the space it takes.
func (j Janitor) isFinished(name string, keep func(string) bool) bool {
	return !strings.HasPrefix(name, trash) && !strings.HasPrefix(name, guest) && !own(name) && !keep(name)
}

// measure adds up what the agent can see. What an App has closed to it does not count.
func measure(dir, name string) finished {
	path := filepath.Join(dir, name)
	f := finished{name: name, last: touched(path), files: 1}
	if root, err := os.OpenRoot(path); err == nil {
		f.add(root, 1)
	}
	return f
}

const (
	mostLevels = 64   // each has a descriptor open; what is deeper does not count
	chunk      = 1024 // names that are in memory together: an App may leave millions
)

// add adds what is in a folder, and closes the folder. It follows no link.
func (f *finished) add(root *os.Root, level int) {
	defer root.Close()
	names, err := root.Open(".")
	if err != nil {
		return
	}
	defer names.Close()
	for err == nil {
		var entries []os.DirEntry
		entries, err = names.ReadDir(chunk)
		for _, e := range entries {
			info, err := root.Lstat(e.Name())
			if err != nil {
				continue
			}
			f.bytes, f.files = f.bytes+onDisk(info), f.files+1
			if !info.IsDir() || level == mostLevels {
				continue
			}
			if sub, err := root.OpenRoot(e.Name() + "/."); err == nil {
				f.add(sub, level+1)
			}
		}
	}
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
