package memory

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// Trim gives back what the process does not need now: the heap, and the pages of the program that
// its many packages touched when they were initialised. What is needed again comes back from the
// page cache.
func Trim() {
	debug.FreeOSMemory()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, r := range untouched(smaps) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, r.from, r.to-r.from, unix.MADV_DONTNEED)
	}
}

// region is a part of the address space.
type region struct{ from, to uintptr }

// untouched are the mappings of files that cannot be written to and no page of which was ever
// written (the loader writes to pages that it relocates and makes them read-only then). Their
// content is in the file, so dropping them loses nothing.
func untouched(smaps []byte) []region {
	var found []region
	var r region
	candidate := false
	for line := range bytes.Lines(smaps) {
		f := bytes.Fields(line)
		switch {
		case len(f) >= 5 && !bytes.HasSuffix(f[0], []byte(":")): // a mapping begins
			r, candidate = parseRegion(f[0])
			candidate = candidate && len(f) >= 6 && f[5][0] == '/' && len(f[1]) == 4 && f[1][1] == '-' && f[1][3] == 'p'
		case candidate && len(f) == 3 && string(f[0]) == "Anonymous:":
			if string(f[1]) == "0" {
				found = append(found, r)
			}
			candidate = false
		}
	}
	return found
}

func parseRegion(text []byte) (region, bool) {
	a, b, _ := bytes.Cut(text, []byte("-"))
	from, err1 := strconv.ParseUint(string(a), 16, 64)
	to, err2 := strconv.ParseUint(string(b), 16, 64)
	return region{uintptr(from), uintptr(to)}, err1 == nil && err2 == nil && from < to
}
