package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

// BenchmarkOrder is one order from its arrival to its acknowledged result; the App is `true`.
// prepare-µs is the part until the App is executed.
func BenchmarkOrder(b *testing.B) {
	r := newRig(b)
	python := filepath.Join(r.dir, "python3.11")
	must(b, os.Symlink("/bin/true", python))
	r.python = python
	s := r.start()
	r.warm(s)
	b.ResetTimer()
	var prepared int64
	for i := range b.N {
		o := r.order(fmt.Sprint("o", i), "pass")
		s.Send(b, o)
		m := linktest.Expect[*wire.Result](b, s)
		prepared += m.PrepareUS
		s.Send(b, &wire.ResultAck{Ref: o.Ref})
	}
	b.ReportMetric(float64(prepared)/float64(b.N), "prepare-µs")
}
