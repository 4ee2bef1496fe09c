//go:build unix

package archive

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
)

// variant is one way to start an App, with what its runs took.
type variant struct {
	name      string
	change    func(argv []string) []string
	list      bool
	archive   bool
	wall, cpu []time.Duration
	memory    int64
}

// BenchmarkRun runs a Java App whole, in each way in turn, so that what else the machine does weighs
// on all of them alike. "as before" is without the options of package launch.
func BenchmarkRun(b *testing.B) {
	java, _ := need.Java(b)
	name := "java"
	if slices.Contains(apps.Names(), "java-http") {
		name = "java-http"
	}
	file, err := apps.Build(name, b.TempDir())
	if err != nil {
		b.Skip(err)
	}
	p := &place{dir: b.TempDir(), java: java}
	if err := os.MkdirAll(p.app(), 0o755); err != nil {
		b.Fatal(err)
	}
	if p.manifest, err = tcx.Unpack(b.Context(), file, p.app(), tcx.Limits{}); err != nil {
		b.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(p.dir, "jobs"), 0o755); err != nil {
		b.Fatal(err)
	}
	s := p.open(b)
	classes := p.equip(s, p.app())
	p.run(b, &variant{}, classes)
	s.Ended(p.app(), p.manifest, classes, filepath.Join(p.dir, "jobs", "session-1"), job.Exit{})
	work(b, s)
	classes = p.equip(s, p.app())
	if classes.Archive == "" {
		b.Fatalf("there is no archive: %+v", s.Status())
	}
	drop := func(options ...string) func([]string) []string {
		return func(argv []string) []string {
			return slices.DeleteFunc(argv, func(a string) bool {
				return slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(a, o) })
			})
		}
	}
	same := drop()
	variants := []*variant{
		{name: "as-before", change: drop("-XX:+UseSerialGC", "-XX:Tier4")},
		{name: "options", change: same},
		{name: "options-list", change: same, list: true},
		{name: "archive-only", change: drop("-XX:+UseSerialGC", "-XX:Tier4"), archive: true},
		{name: "archive-serial", change: drop("-XX:Tier4"), archive: true},
		{name: "archive-options", change: same, archive: true},
		{name: "archive-unverified", change: drop("-XX:+VerifySharedSpaces"), archive: true},
		{name: "archive-c1", change: func(argv []string) []string {
			return slices.Insert(argv, 1, "-XX:TieredStopAtLevel=1")
		}, archive: true},
	}
	b.ResetTimer()
	for b.Loop() {
		for _, v := range variants {
			with := launch.Classes{List: v.list}
			if v.archive {
				with = classes
			}
			p.run(b, v, with)
		}
	}
	for _, v := range variants {
		slices.Sort(v.wall)
		slices.Sort(v.cpu)
		b.Logf("%-20s wall %4d ms, processor %4d ms (p50 of %d), %3d MB", v.name,
			v.wall[len(v.wall)/2].Milliseconds(), v.cpu[len(v.cpu)/2].Milliseconds(), len(v.wall), v.memory>>20)
	}
}

// BenchmarkEquip is what each start of a Java App pays on its way.
func BenchmarkEquip(b *testing.B) {
	p := newPlace(b, good)
	s := p.open(b)
	p.ran(b, s, p.app())
	work(b, s)
	for b.Loop() {
		if p.equip(s, p.app()).Archive == "" {
			b.Fatal("there is no archive")
		}
	}
}

// run runs the App once, without a shim.
func (p *place) run(b *testing.B, v *variant, classes launch.Classes) {
	b.Helper()
	e := p.execution()
	e.Session, e.JobDir, e.Classes = "session-1", filepath.Join(p.dir, "jobs", "session-1"), classes
	if err := janitor.Make(e.JobDir); err != nil {
		b.Fatal(err)
	}
	l, err := launch.Build(p.app(), p.manifest, e)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range l.Files {
		if err := os.WriteFile(f.Path, f.Data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	if v.change != nil {
		l.Argv = v.change(l.Argv)
	}
	cmd := exec.CommandContext(context.Background(), l.Argv[0], l.Argv[1:]...)
	cmd.Dir, cmd.Env = l.WorkDir, l.Env
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	v.wall = append(v.wall, time.Since(begun))
	v.cpu = append(v.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	v.memory = max(v.memory, maxMemory(cmd.ProcessState))
}

// maxMemory is the most that a process had in memory, in bytes.
func maxMemory(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return u.Maxrss << 10
}
