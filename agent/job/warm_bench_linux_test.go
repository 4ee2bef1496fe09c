package job

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkWarm starts an App with 800 modules, cold and warm, with a prewarmed shim.
func BenchmarkWarm(b *testing.B) {
	files := map[string]string{"main.py": "import sys\nsys.path.insert(0, '"}
	var all []string
	for n := range 800 {
		name := fmt.Sprintf("m%d", n)
		all = append(all, name)
		var text strings.Builder
		for c := range 10 {
			fmt.Fprintf(&text, "class C%d:\n    \"\"\"A class.\"\"\"\n    def __init__(self, a, b=None):\n        self.a, self.b = a, b\n    def method(self, x):\n        return [x for x in self.a if x]\n", c)
		}
		files["deps/"+name+".py"] = text.String()
	}
	files["deps/all.py"] = "import ssl, json, email.message, http.client, asyncio, random\nimport " + strings.Join(all, ", ") + "\n"
	files["main.py"] = "import sys, os\nsys.path.insert(0, os.getcwd() + '/deps')\nimport all\nprint('here')\n"
	dir := app(b, files)
	e := newExecutor(b)
	go func() { _ = e.Run(b.Context(), func() int { return 8 }) }()
	tp := template(b, e, dir, "all")
	r, _ := tp.Report(b.Context())
	b.Log("kilobytes of the template", r.KB)
	inits := func() float64 { // of all in the template's world
		list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tp.Status().AppPID))
		f := strings.Fields(string(list))
		var ticks float64
		for _, i := range []int{13, 14, 15, 16} {
			n, _ := strconv.ParseFloat(f[i], 64)
			ticks += n
		}
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", tp.Status().AppPID, tp.Status().AppPID))
		for _, c := range strings.Fields(string(children)) {
			list, _ := os.ReadFile(fmt.Sprintf("/proc/%s/stat", c))
			f := strings.Fields(string(list))
			for _, i := range []int{13, 14, 15, 16} {
				if i < len(f) {
					n, _ := strconv.ParseFloat(f[i], 64)
					ticks += n
				}
			}
		}
		return ticks * 10000
	}
	for _, warm := range []bool{false, true} {
		b.Run(fmt.Sprintf("warm=%v", warm), func(b *testing.B) {
			var before, after unix.Rusage
			_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &before)
			was := inits()
			begun := time.Duration(0)
			for b.Loop() {
				l := order(b, dir)
				if warm {
					l.Warm = tp.Warm()
				}
				t := time.Now()
				p, err := e.Start(b.Context(), l)
				if err != nil {
					b.Fatal(err)
				}
				begun += time.Since(t)
				if wait(b, p); p.Status().Warm != warm {
					b.Fatal(p.Status().Cold)
				}
			}
			_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &after)
			b.ReportMetric((inits()-was)/float64(b.N), "us-template-cpu/op")
			b.ReportMetric(float64(begun.Microseconds())/float64(b.N), "us-to-start/op")
			b.ReportMetric(float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())/1e3/float64(b.N), "us-shim-cpu/op")
		})
	}
}
