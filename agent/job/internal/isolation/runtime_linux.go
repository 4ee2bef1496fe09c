//go:build !cgo

package isolation

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// spareRuntime keeps later copies of this process from having what else it writes to: what the runtime of Go has
// mapped, which is about as much as a heap that is little used, and the program's own variables. An init uses none
// of them, and to copy their pages, and again those that this process writes to meanwhile, takes as long as to make
// its namespaces.
var spareRuntime = sync.OnceFunc(func() {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		if begin, end, ok := writable(line); ok {
			spare(begin, end-begin)
		}
	}
})

// writable reads a line like "c000000000-c000400000 rw-p 00000000 00:00 0   [anon: Go: heap]". The first stack is not
// meant: the arguments lie there, by which people know a process.
func writable(line string) (begin, end uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 || !strings.HasSuffix(fields[1], "p") || strings.HasPrefix(fields[1], "r-") || fields[len(fields)-1] == "[stack]" {
		return 0, 0, false
	}
	first, second, _ := strings.Cut(fields[0], "-")
	from, err := strconv.ParseUint(first, 16, 64)
	to, err2 := strconv.ParseUint(second, 16, 64)
	return uintptr(from), uintptr(to), err == nil && err2 == nil
}
