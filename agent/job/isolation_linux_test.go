package job

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/warm"
)

// isolated is shell in a world of its own.
func isolated(t testing.TB, script string) Launch {
	l := shell(t, script)
	l.Isolation = isolation.Plan{Level: isolation.Full, Hide: []string{filepath.Dir(filepath.Dir(l.Dir))}, Keep: []string{l.Dir}, Tmp: filepath.Join(l.Dir, "tmp")}
	return l
}

func TestIsolatedApp(t *testing.T) {
	l := isolated(t, `echo out; echo err >&2; echo $$; ls -A shim; echo log > log/a.log; exit 7`)
	l.Logs = "log"
	exit := run(t, l)
	if exit.Code != 7 || exit.Reason != "" || exit.Killed != 0 {
		t.Errorf("got %+v", exit)
	}
	if got := output(t, l.Dir, Stdout); got != "out\n2\n" && !strings.HasPrefix(got, "out\n") {
		t.Errorf("got %q", got)
	}
	if got := output(t, l.Dir, Log); got == "" {
		t.Error("no log")
	}
}

func TestProbe(t *testing.T) {
	s, err := newExecutor(t).Probe(t.Context())
	if err != nil || s.Level != IsolationFull || s.Missing != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	if len(s.Limits) < 3 && s.Unlimited == "" {
		t.Errorf("limits %q hold, and nothing says why not all: %+v", s.Limits, s)
	}
}

func TestIsolatedSignal(t *testing.T) {
	if exit := run(t, isolated(t, `kill -SEGV $$`)); exit.Code != -1 || exit.Signal != "SIGSEGV" {
		t.Errorf("got %+v", exit)
	}
}

func TestIsolatedStartError(t *testing.T) {
	l := isolated(t, "")
	l.Argv = []string{"/no/such"}
	_, err := newExecutor(t).Start(t.Context(), l)
	if e := startError(t, err); e.Code != "job.exec_not_found" {
		t.Errorf("got %v %v", e.Code, err)
	}
}

// A daemon that left session and group, and waits for nothing, ends with the App.
func TestIsolatedDaemon(t *testing.T) {
	l := isolated(t, `setsid sh -c 'trap "" TERM HUP; sleep 1000 & echo > out/ready; sleep 1000' & while [ ! -e out/ready ]; do sleep 0.01; done; exit 3`)
	exit := run(t, l)
	if exit.Code != 3 || exit.Killed == 0 {
		t.Errorf("got %+v", exit)
	}
	nothingLeft(t, l.Dir)
}

func TestIsolatedCancel(t *testing.T) {
	l := isolated(t, `trap "" TERM; echo > out/ready; while :; do sleep 1; done`)
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	if err := p.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Reason != ReasonCancelled || exit.Code != -1 {
		t.Errorf("got %+v", exit)
	}
	nothingLeft(t, l.Dir)
}

// A killed shim takes the App's world with it.
func TestIsolatedShimKilled(t *testing.T) {
	l := isolated(t, `setsid sh -c 'echo > out/ready; sleep 1000' & sleep 1000`)
	p := start(t, l)
	await(t, l.Dir+"/out/ready")
	if err := syscall.Kill(p.status.ShimPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); len(mentioning(t, l.Dir)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the App's processes live on")
		}
	}
	if exit := wait(t, p); exit.Reason != ReasonShimLost {
		t.Errorf("got %+v", exit)
	}
}

func TestIsolatedTimeout(t *testing.T) {
	l := isolated(t, `sleep 1000`)
	l.Timeout = 300 * time.Millisecond
	if exit := run(t, l); exit.Reason != ReasonTimedOut {
		t.Errorf("got %+v", exit)
	}
	nothingLeft(t, l.Dir)
}

// BenchmarkIsolated measures Start with a prewarmed shim, with and without a world, one after the other.
func BenchmarkIsolated(b *testing.B) {
	e := newExecutor(b)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx, func() int { return 1 }) }()
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, launch := range map[string]func(testing.TB, string) Launch{"off": shell, "full": isolated} {
			l := launch(b, "exit 0")
			time.Sleep(20 * time.Millisecond) // for the next shim
			begun := time.Now()
			p, err := e.Start(b.Context(), l)
			took[name] = append(took[name], time.Since(begun))
			if err != nil {
				b.Fatal(err)
			}
			if exit := wait(b, p); exit.Code != 0 {
				b.Fatalf("%+v", exit)
			}
		}
	}
	cancel()
	<-ended
	for name, list := range took {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds()), name+"-p50-µs")
	}
}

// Every form in which a shim, or an init, is started is one.
func TestIsShim(t *testing.T) {
	for _, args := range [][]string{
		{"/usr/libexec/x/" + ShimName}, {"tcenvsvr", ShimCommand}, {"tcenvsvr", ShimCommand, warm.TemplateCommand}, {ShimName, ShimCommand, warm.TemplateCommand},
	} {
		if !IsShim(args) {
			t.Errorf("%q is none", args)
		}
	}
	for _, args := range [][]string{{"tcenvsvr"}, {"tcenvsvr", "status"}, {"tcenvsvr", ShimCommand, "--help"}, {"tcenvsvr", "x", warm.TemplateCommand}} {
		if IsShim(args) {
			t.Errorf("%q is one", args)
		}
	}
}
