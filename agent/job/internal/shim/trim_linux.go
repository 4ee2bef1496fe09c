package shim

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// trim gives back what only the start needed: the heap, and the pages of the program that its
// many packages touched when they were initialised. What is needed again comes back
// from the page cache; a waiting shim needs little. Halves what a shim takes.
func trim() {
	debug.FreeOSMemory()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range bytes.Lines(maps) {
		from, to, ok := program(line)
		if ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}

// program picks the mappings of files that cannot have been written to.
// Their content is in the file, so dropping them loses nothing.
func program(line []byte) (from, to uintptr, ok bool) {
	f := bytes.Fields(line)
	if len(f) < 6 || f[5][0] != '/' || f[1][1] != '-' || f[1][3] != 'p' {
		return 0, 0, false
	}
	a, b, _ := bytes.Cut(f[0], []byte("-"))
	start, err1 := strconv.ParseUint(string(a), 16, 64)
	end, err2 := strconv.ParseUint(string(b), 16, 64)
	return uintptr(start), uintptr(end), err1 == nil && err2 == nil && start < end
}
