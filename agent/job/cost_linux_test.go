package job

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

// BenchmarkCost is the processor time that trivial jobs take, several at a time, by shims that serve: of this
// process, in place of the agent, and of shims with inits and Apps.
func BenchmarkCost(b *testing.B) {
	for _, level := range []isolation.Level{isolation.Off, isolation.Full} {
		b.Run(string(level), func(b *testing.B) { benchmarkCost(b, level) })
	}
}

func benchmarkCost(b *testing.B, level isolation.Level) {
	e := newExecutor(b)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	const slots = 4
	go func() { done <- e.Run(ctx, func() int { return slots }) }()
	app := app(b, map[string]string{"main.py": ""})
	launches := make(chan Launch, b.N)
	home := b.TempDir()
	for n := range b.N {
		l := Launch{ID: "session-1", WorkDir: app, Argv: []string{"/bin/true", "main.py"}}
		l.Dir = filepath.Join(home, ".tcenvsvr", "exchange", "jobs", fmt.Sprint(n))
		for _, dir := range []string{"in", "out", "log", "tmp"} {
			if err := os.MkdirAll(filepath.Join(l.Dir, dir), 0o770); err != nil {
				b.Fatal(err)
			}
		}
		l.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + l.Dir + "/tmp", "TMPDIR=" + l.Dir + "/tmp"}
		l.Logs, l.Keep = "log", []string{"out/message.tc", "out/results.tc"}
		if level != isolation.Off {
			l.Isolation = isolation.Plan{
				Level: level, Hide: []string{home, "/opt", "/srv", "/mnt", "/media", "/none"},
				Show: []string{app, "/usr/bin", "/usr/lib/none"}, Keep: []string{l.Dir}, Tmp: filepath.Join(l.Dir, "tmp"),
			}
		}
		launches <- l
	}
	close(launches)
	var wg sync.WaitGroup
	b.ResetTimer()
	var before, after [2]unix.Rusage
	usage := func(u *[2]unix.Rusage) {
		_ = unix.Getrusage(unix.RUSAGE_SELF, &u[0])
		_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &u[1])
	}
	usage(&before)
	for range slots {
		wg.Go(func() {
			for l := range launches {
				p, err := e.Start(b.Context(), l)
				if err != nil {
					b.Error(err)
					return
				}
				wait(b, p)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	cancel()
	<-done
	usage(&after)
	for i, who := range []string{"agent", "shim"} {
		d := after[i].Utime.Nano() - before[i].Utime.Nano() + after[i].Stime.Nano() - before[i].Stime.Nano()
		b.ReportMetric(float64(d)/float64(b.N)/1e3, "us-"+who+"/op")
	}
}
