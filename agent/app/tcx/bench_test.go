package tcx

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkUnpack is an App of usual size: 1,000 files of 8 KiB.
func BenchmarkUnpack(b *testing.B) {
	items := []item{good}
	for i := range 1000 {
		items = append(items, item{name: fmt.Sprintf("X_v1/deps/p%d/m%d.py", i/50, i), content: strings.Repeat(fmt.Sprintf("line %d\n", i), 900)})
	}
	file := build(b, items...)
	for b.Loop() {
		if _, err := Unpack(b.Context(), file, b.TempDir(), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
