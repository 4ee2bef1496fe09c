//go:build !cgo

package isolation

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// spareRuntime keeps later copies of this process from having what else the runtime of Go has mapped, which is
// about as much as a heap that is little used.
var spareRuntime = sync.OnceFunc(func() {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	data := uintptr(0) // the end of the data of the program, behind which lies the rest of it, zero at the start
	for line := range strings.Lines(string(maps)) {
		begin, end, anonymous := mapping(line)
		if !anonymous {
			data = end
		} else if begin != data {
			spare(begin, end-begin)
		}
	}
})

// mapping reads a line like "c000000000-c000400000 rw-p 00000000 00:00 0   [anon: Go: heap]".
func mapping(line string) (begin, end uintptr, anonymous bool) {
	fields := strings.Fields(line)
	if len(fields) < 5 {
		return 0, 0, false
	}
	first, second, _ := strings.Cut(fields[0], "-")
	from, err := strconv.ParseUint(first, 16, 64)
	to, err2 := strconv.ParseUint(second, 16, 64)
	own := strings.HasSuffix(fields[1], "p") && fields[4] == "0" && (len(fields) == 5 || fields[5] == "[anon:")
	return uintptr(from), uintptr(to), own && err == nil && err2 == nil
}
