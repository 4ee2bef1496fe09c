//go:build unix

package job

import (
	"context"
	"testing"
)

// BenchmarkStart is order → App executed, as far as this package goes.
func BenchmarkStart(b *testing.B) { benchmarkStart(b, newExecutor(b)) }

// BenchmarkStartPrewarmed is the same with a shim that waits.
func BenchmarkStartPrewarmed(b *testing.B) {
	e := newExecutor(b)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx, func() int { return 1 }) }()
	benchmarkStart(b, e)
	cancel()
	<-done
}

func benchmarkStart(b *testing.B, e *Executor) {
	for b.Loop() {
		b.StopTimer()
		l := shell(b, "")
		l.Argv = []string{"/bin/true"}
		b.StartTimer()
		p, err := e.Start(b.Context(), l)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		wait(b, p)
		b.StartTimer()
	}
}

// BenchmarkRun is a whole trivial job, several at a time.
func BenchmarkRun(b *testing.B) {
	e := newExecutor(b)
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l := shell(b, "")
			l.Argv = []string{"/bin/true"}
			p, err := e.Start(b.Context(), l)
			if err != nil {
				b.Error(err)
				return
			}
			wait(b, p)
		}
	})
}
