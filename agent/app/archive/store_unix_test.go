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

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/job"
)

// The first successful run asks for a list, the next one has the archive; it is another's neither
// after a restart nor for another version, JDK or class path.
func TestArchive(t *testing.T) {
	p := newPlace(t, good)
	s := p.open(t)
	if got := p.equip(s, p.app()); got != (launch.Classes{List: true}) {
		t.Fatalf("the first run gets %+v", got)
	}
	jobDir := filepath.Join(p.dir, "jobs", "session-1")
	for _, exit := range []job.Exit{{Code: 1}, {Code: -1, Signal: "SIGKILL"}, {Code: -1, Reason: job.ReasonTimedOut}} {
		s.Ended(p.app(), p.manifest, launch.Classes{List: true}, jobDir, exit)
	}
	if n := s.Status().Pending; n != 0 {
		t.Errorf("%d archives are made after failures", n)
	}
	p.ran(t, s, p.app())
	if got := p.equip(s, p.app()); got != (launch.Classes{}) {
		t.Errorf("a run beside the build gets %+v", got)
	}
	work(t, s)
	with := launch.Classes{Archive: filepath.Join(p.programs(), folder, sha+dataSuffix)}
	for range 2 {
		if got := p.equip(s, p.app()); got != with {
			t.Fatalf("got %+v, want %+v; %+v", got, with, s.Status())
		}
		s = p.open(t)
	}
	if info, err := os.Stat(with.Archive); err != nil || info.Mode() != modeArchive {
		t.Errorf("the archive has mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(jobDir + "/in"); err != nil || len(left) != 0 {
		t.Errorf("the list is still there: %v, %v", left, err)
	}

	without := launch.Classes{List: true}
	other := filepath.Join(filepath.Dir(p.app()), strings.Repeat("cd", 32))
	write(t, filepath.Join(other, "app.jar"), "jar", 0o644)
	if got := p.equip(s, other); got != without {
		t.Errorf("another version gets %+v", got)
	}
	changes := map[string]func() error{
		"class path": func() error { return os.WriteFile(filepath.Join(p.app(), "more.jar"), nil, 0o644) },
		"jar":        func() error { return os.Chtimes(filepath.Join(p.app(), "app.jar"), time.Time{}, time.Unix(1, 0)) },
		"JDK":        func() error { return os.WriteFile(filepath.Join(p.java, "lib", "modules"), []byte("newer"), 0o644) },
	}
	for name, change := range changes {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if got := p.equip(s, p.app()); got != without {
			t.Errorf("with another %s it gets %+v", name, got)
		}
		p.ran(t, s, p.app())
		work(t, s)
		if got := p.equip(s, p.app()); got != with {
			t.Errorf("after a change of the %s it gets %+v; %+v", name, got, s.Status())
		}
	}
}

// What changed since it was written is not used, whatever changed it.
func TestDamagedArchive(t *testing.T) {
	p := newPlace(t, good)
	file := filepath.Join(p.programs(), folder, sha+dataSuffix)
	for name, damage := range map[string]func(file string) error{
		"shortened": func(file string) error { return os.Truncate(file, 5000) },
		"touched":   func(file string) error { return os.Chtimes(file, time.Time{}, time.Unix(1, 0)) },
		"replaced": func(file string) error {
			if err := os.Rename(file, file+"~"); err != nil {
				return err
			}
			return os.Symlink(file+"~", file)
		},
		"gone":             os.Remove,
		"without a record": func(string) error { return os.Remove(filepath.Join(p.programs(), folder, sha+noteSuffix)) },
		"with another record": func(string) error {
			return os.WriteFile(filepath.Join(p.programs(), folder, sha+noteSuffix), []byte("{}"), 0o600)
		},
	} {
		for _, restart := range []bool{false, true} {
			s := p.open(t)
			p.equip(s, p.app())
			p.ran(t, s, p.app())
			work(t, s)
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
			s = p.open(t) // chmod is a change, too
			p.ran(t, s, p.app())
			work(t, s)
			if got := p.equip(s, p.app()); got.Archive != file {
				t.Fatalf("%s: got %+v", name, got)
			}
			if err := damage(file); err != nil {
				t.Fatal(err)
			}
			if restart {
				s = p.open(t)
			}
			if record := strings.Contains(name, "record"); record && !restart {
				continue // it is in memory
			}
			if got := p.equip(s, p.app()); got != (launch.Classes{List: true}) {
				t.Errorf("one that is %s (restart %v) is used: %+v", name, restart, got)
			}
			if left, _ := filepath.Glob(filepath.Join(p.programs(), folder, "*")); restart && len(left) != 0 {
				t.Errorf("%s: there is %q", name, left)
			}
		}
	}
}

// A build that does not make what it should is tried once, and leaves nothing.
func TestHostileBuild(t *testing.T) {
	for name, c := range map[string]struct{ build, want string }{
		"an error":      {"echo no memory >&2; exit 3", "the build ended with code 3: no memory"},
		"killed":        {"kill -9 $$", "ended by signal SIGKILL"},
		"nothing":       {"true", "no such file"},
		"a folder":      {`mkdir "$archive"`, "it is no plain file"},
		"a link":        {`ln -s /etc/passwd "$archive"`, "path escapes"},
		"a pipe":        {`mkfifo "$archive"`, "it is no plain file"},
		"too little":    {`printf 12345 > "$archive"`, "it has 5 bytes"},
		"too much":      {`truncate -s 200M "$archive"`, ""}, // by its limit, or when it is copied,
		"no archive":    {`head -c 2000000 /dev/zero > "$archive"`, "its header is another"},
		"another JDK's": {strings.Replace(good, "17.0.1+2-x", "17.0.1+2-xy", 1), "its header is another"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, c.build)
			s := p.open(t)
			p.ran(t, s, p.app())
			work(t, s)
			st := s.Status()
			if st.Count != 0 || len(st.Problems) != 1 || !strings.Contains(st.Problems[0].What, c.want) {
				t.Fatalf("got %+v", st)
			}
			if got := p.equip(s, p.app()); got != (launch.Classes{}) {
				t.Errorf("the next run gets %+v", got)
			}
			p.ran(t, s, p.app())
			if n := s.Status().Pending; n != 0 {
				t.Errorf("it is tried again")
			}
			for _, dir := range []string{filepath.Join(p.programs(), folder), filepath.Join(p.dir, "jobs")} {
				entries, err := os.ReadDir(dir)
				entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == "session-1" })
				if err != nil || len(entries) != 0 {
					t.Errorf("in %q there is %v, %v", dir, entries, err)
				}
			}
		})
	}
}

// Where the user of Apps is one for all and nothing keeps their files apart, nothing is made.
func TestExposed(t *testing.T) {
	p := newPlace(t, good)
	for level, want := range map[job.Level]int{job.IsolationOff: 0, job.IsolationFiltered: 0} {
		p.sandboxed, p.isolation = true, level
		s := p.open(t)
		p.ran(t, s, p.app())
		work(t, s)
		if st := s.Status(); st.Count != want || len(st.Problems) != 1 || st.Problems[0].What != build.ErrExposed.Error() {
			t.Errorf("%s: got %+v", level, st)
		}
	}
}

// A JVM that crashes with an archive does so once.
func TestCrash(t *testing.T) {
	p := newPlace(t, good)
	s := p.open(t)
	p.ran(t, s, p.app())
	work(t, s)
	with := p.equip(s, p.app())
	s.Ended(p.app(), p.manifest, with, "", job.Exit{Code: -1, Signal: "SIGKILL", Reason: job.ReasonCancelled})
	if got := p.equip(s, p.app()); got != with || with.Archive == "" {
		t.Fatalf("after a cancel it gets %+v", got)
	}
	s.Ended(p.app(), p.manifest, with, "", job.Exit{Code: -1, Signal: "SIGABRT"})
	if got := p.equip(s, p.app()); got != (launch.Classes{}) {
		t.Errorf("after a crash it gets %+v", got)
	}
	if st := s.Status(); st.Count != 0 || len(st.Problems) != 1 {
		t.Errorf("got %+v", st)
	}
}

// All archives together are bounded; the least recently used goes first, and one whose App is gone.
func TestBound(t *testing.T) {
	p := newPlace(t, good)
	c, err := p.config()
	if err != nil {
		t.Fatal(err)
	}
	c.MaxBytes = 7 << 20 // three of 2 MB
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	var apps []string
	for i := range 5 {
		dir := filepath.Join(filepath.Dir(p.app()), strings.Repeat(string(rune('a'+i)), 64))
		write(t, filepath.Join(dir, "app.jar"), "jar", 0o644)
		apps = append(apps, dir)
		p.ran(t, s, dir)
		work(t, s)
		if i >= 2 && p.equip(s, apps[0]).Archive == "" {
			t.Errorf("the first App's archive is gone with App %d although it is used all the time", i)
		}
	}
	has := func() (list []bool) {
		for _, dir := range apps {
			_, err := os.Stat(s.data(filepath.Base(dir)))
			list = append(list, err == nil)
		}
		return list
	}
	if got, want := has(), []bool{true, false, false, true, true}; !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
	if err := os.RemoveAll(apps[4]); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(); err != nil {
		t.Fatal(err)
	}
	if got, want := has(), []bool{true, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
}

// The list lies where the App writes.
func TestHostileList(t *testing.T) {
	for name, put := range map[string]func(file string) error{
		"nothing":  func(string) error { return nil },
		"a folder": func(file string) error { return os.Mkdir(file, 0o755) },
		"a link":   func(file string) error { return os.Symlink("/etc/passwd", file) },
		"a pipe":   func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"garbage":  func(file string) error { return os.WriteFile(file, make([]byte, 10<<20), 0o644) },
		"little":   func(file string) error { return os.WriteFile(file, []byte(classList(20)), 0o644) },
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, filepath.FromSlash(launch.ClassList))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := put(file); err != nil {
			t.Fatal(err)
		}
		if list, err := takeList(dir); err == nil {
			t.Errorf("%s is a list of %d bytes", name, len(list))
		}
	}
}

// dieAt makes an archive in dir and dies at a step.
func dieAt(dir, step string) int {
	p := &place{dir: dir, java: filepath.Join(dir, "jdk")}
	p.manifest.Language, p.manifest.Main = "java", "tc.test.Main"
	c, err := p.config()
	if err != nil {
		return 1
	}
	s, err := Open(c)
	if err != nil {
		return 1
	}
	s.step = func(now string) {
		if now == step {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	key, err := s.key(p.app(), p.manifest, p.execution())
	if err != nil {
		return 1
	}
	_ = s.make(context.Background(), build.Task[run]{Dir: p.app(), Key: key, With: run{p.manifest, filepath.Join(dir, "jobs", "session-1")}})
	return 0
}

// An agent that is killed at any step leaves no archive, or a whole one.
func TestKilled(t *testing.T) {
	for _, before := range []bool{false, true} {
		for step, whole := range map[string]bool{"built": false, "copied": false, "renamed": false, "recorded": true} {
			p := newPlace(t, good)
			if before {
				s := p.open(t)
				p.ran(t, s, p.app())
				work(t, s)
			}
			write(t, filepath.Join(p.dir, "jobs", "session-1", filepath.FromSlash(launch.ClassList)), classList(300), 0o600)
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), childVar+"="+p.dir+" "+step)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("%s: the child ended with %v: %s", step, err, out)
			}
			s := p.open(t)
			got := p.equip(s, p.app())
			if want := whole || before && step != "renamed"; (got.Archive != "") != want {
				t.Errorf("killed when it was %s, one there before: %v: the next agent has %+v", step, before, got)
			}
			if temps, _ := filepath.Glob(filepath.Join(p.programs(), folder, ".*")); len(temps) > 0 {
				t.Errorf("%s: left is %q", step, temps)
			}
			if got.Archive != "" {
				continue
			}
			p.ran(t, s, p.app())
			work(t, s)
			if got := p.equip(s, p.app()); got.Archive == "" {
				t.Errorf("%s: there is none afterwards: %+v", step, s.Status())
			}
		}
	}
}
