package slot_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tcenvsvr/test/need"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
)

// An act that is killed before each of its system calls, and what may be chosen afterwards.
var acts = []struct {
	name  string
	setup func(*scene)
	args  []string
	may   []string // versions
}{
	{"apply the first release", func(s *scene) {
		s.wantChoice("1.0.0", false)
		s.offer("1.1.0")
	}, []string{"apply"}, []string{"1.0.0", "1.1.0"}},
	{"apply over the previous release", func(s *scene) {
		s.update("1.1.0")
		s.update("1.2.0")
		s.offer("1.3.0")
	}, []string{"apply"}, []string{"1.2.0", "1.3.0"}},
	{"apply where the active program is lost", func(s *scene) {
		s.update("1.1.0")
		s.update("1.2.0")
		s.must(os.Remove(filepath.Join(s.dir, "home", "b", "bin", "tcenvsvr")))
		s.offer("1.3.0")
	}, []string{"apply"}, []string{"1.1.0", "1.3.0"}},
	{"select for the first time", func(*scene) {}, []string{"select"}, []string{"1.0.0"}},
	{"select a candidate", func(s *scene) {
		s.update("1.1.0")
		s.offer("1.2.0")
		s.must(s.apply())
	}, []string{"select"}, []string{"1.2.0"}},
	{"select after the last try", func(s *scene) {
		s.update("1.1.0")
		s.offer("1.2.0")
		s.must(s.apply())
		for range 3 {
			s.wantChoice("1.2.0", true)
		}
	}, []string{"select"}, []string{"1.1.0"}},
	{"select after a downgrade of the package", func(s *scene) {
		s.wantChoice("1.0.0", false)
		s.update("1.1.0")
		s.installPackage("0.9.0")
	}, []string{"select"}, []string{"0.9.0"}},
	{"select with a torn state", func(s *scene) {
		s.update("1.1.0")
		s.must(os.WriteFile(filepath.Join(s.dir, "lib", "state.json"), []byte("{"), 0o600))
	}, []string{"select"}, []string{"1.0.0"}},
	{"bless", func(s *scene) {
		s.update("1.1.0")
		s.offer("1.2.0")
		s.must(s.apply())
		s.wantChoice("1.2.0", true)
		s.put(handover.RequestHealthy, nil)
	}, []string{"bless"}, []string{"1.2.0"}},
	{"the end of a candidate that hung", func(s *scene) {
		s.update("1.1.0")
		s.offer("1.2.0")
		s.must(s.apply())
		s.wantChoice("1.2.0", true)
	}, []string{"ended", "watchdog", "killed", "ABRT"}, []string{"1.1.0", "1.2.0"}},
}

// The helper is killed before every one of its system calls. Whatever was cut off: the next select
// chooses a whole program, the state can be read, and the update can be done again.
// TCENVSVR_KILLS=all tries every point; otherwise every act has its share.
func TestKilledAnywhereTheHostStarts(t *testing.T) {
	strace := need.Tool(t, "strace")
	all := os.Getenv("TCENVSVR_KILLS") == "all"
	var points atomic.Int64
	t.Run("acts", func(t *testing.T) {
		for _, act := range acts {
			t.Run(act.name, func(t *testing.T) {
				t.Parallel()
				template := newScene(t)
				act.setup(template)
				calls := template.clone(t).trace(strace, act.args)
				n := min(33, len(calls))
				if all {
					n = len(calls)
				}
				for i := range n {
					at := calls[i*len(calls)/n]
					s := template.clone(t)
					before, _ := s.links()
					if s.killAt(strace, at, act.args) {
						points.Add(1)
					}
					if program, shim := s.links(); program != before && shim != s.shimOf(program) {
						t.Errorf("%q would be started with the shim %q", program, shim)
					}
					s.wantWhole(act.may)
					if all || i%4 == 0 {
						s.wantUpdatable()
					}
					if t.Failed() {
						t.Fatalf("after a kill before call %s", at)
					}
					_ = os.RemoveAll(s.dir)
				}
			})
		}
	})
	t.Logf("killed at %d points", points.Load())
	if points.Load() < 300 {
		t.Errorf("killed at %d points only", points.Load())
	}
}

// call is the nth system call of that name in the life of the helper.
type call struct {
	name string
	nth  int
}

func (c call) String() string { return fmt.Sprintf("%s:%d", c.name, c.nth) }

func (s *scene) helper(args []string, before ...string) *exec.Cmd {
	argv := append(before, filepath.Join(built, "helper"), s.dir)
	argv = append(argv, args...)
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = []string{"GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", fmt.Sprintf("HELPER_AGENT=%d", s.agent), "HELPER_VERSION=" + s.version, "HELPER_KEY=" + hex.EncodeToString(publicKey)}
	return c
}

var line = regexp.MustCompile(`^(\d+) +(\w+)\((.*)`)

// These change nothing and come at the scheduler's will.
var noise = []string{
	"futex", "nanosleep", "epoll_pwait", "epoll_wait", "rt_sigreturn", "rt_sigprocmask", "rt_sigaction", "mmap", "munmap", "madvise", "getpid", "gettid", "tgkill",
	"sched_yield", "sigaltstack", "clone", "clone3", "exit_group", "mprotect", "prctl", "clock_gettime", "timer_settime", "timer_create", "setitimer", "timer_delete", "write_to_eventfd",
}

// calls runs the helper and returns the lines of its main thread's system calls from the first that
// is its own work.
func (s *scene) calls(strace string, args []string) []string {
	s.t.Helper()
	out := filepath.Join(s.dir, "trace")
	c := s.helper(args, strace, "-f", "-qq", "-y", "-s", "256", "-o", out)
	if text, err := c.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, text)
	}
	data, err := os.ReadFile(out)
	s.must(err)
	s.must(os.Remove(out))
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func (s *scene) trace(strace string, args []string) []call {
	s.t.Helper()
	var (
		found   []call
		count   = map[string]int{}
		mainPID string
		ours    bool
	)
	for _, l := range s.calls(strace, args) {
		m := line.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		if mainPID == "" {
			mainPID = m[1]
		}
		if m[1] != mainPID {
			continue
		}
		count[m[2]]++
		ours = ours || strings.Contains(m[3], "/lib/lock")
		if ours && !slices.Contains(noise, m[2]) {
			found = append(found, call{m[2], count[m[2]]})
		}
	}
	if len(found) < 20 {
		s.t.Fatalf("traced %d calls only: %v (%v)", len(found), found, slices.Sorted(maps.Keys(count)))
	}
	return found
}

// killAt reports whether the call came: how often the runtime asks the kernel for itself differs a
// little.
func (s *scene) killAt(strace string, at call, args []string) bool {
	s.t.Helper()
	inject := fmt.Sprintf("inject=%s:signal=KILL:when=%d", at.name, at.nth)
	c := s.helper(args, strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+at.name, "-e", inject)
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.Exited()) {
		s.t.Fatalf("killing %v at %s: %v\n%s", args, at, err, out)
	}
	return err != nil
}

// wantWhole checks what the next start does.
func (s *scene) wantWhole(may []string) {
	s.t.Helper()
	c, err := s.slots().Select()
	if err != nil {
		s.t.Errorf("select: %v", err)
		return
	}
	if !slices.Contains(may, c.Version) {
		s.t.Errorf("selected %s, want one of %q", c.Version, may)
	}
	s.wantLink(c.Version)
	if _, err := s.slots().State(); err != nil {
		s.t.Errorf("the state is lost: %v", err)
	}
	if _, err := handover.ReadStatus(filepath.Join(s.dir, "run", "status.json")); err != nil {
		s.t.Errorf("the status is lost: %v", err)
	}
}

// wantUpdatable checks that nothing left behind stands in the way of another update.
func (s *scene) wantUpdatable() {
	s.t.Helper()
	if c := s.status().Candidate; c != nil {
		s.bless(slot.Blessed)
	}
	s.must(s.slots().Resume())
	s.offer("2.0.0")
	s.must(s.apply())
	s.wantChoice("2.0.0", true)
	left, _ := filepath.Glob(filepath.Join(s.dir, "home", "*", "bin", ".*"))
	more, _ := filepath.Glob(filepath.Join(s.dir, "*", ".*.tmp"))
	if left = append(left, more...); len(left) > 0 {
		s.t.Errorf("left behind: %q", left)
	}
}

// clone copies a scene. Programs are linked: they are replaced, never written; what is in the inbox
// must have one name.
func (s *scene) clone(t *testing.T) *scene {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(s.dir), "clone")
	if err != nil {
		t.Fatal(err)
	}
	to := &scene{t: t, dir: dir, version: s.version, agent: s.agent}
	to.must(filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, strings.TrimPrefix(path, s.dir))
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(strings.Replace(link, s.dir, dir, 1), target)
		case d.Name() == "tcenvsvr":
			return os.Link(path, target)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(target, bytes.Clone(data), info.Mode())
	}))
	return to
}

// A kill leaves the kernel's memory as it was, a power cut does not: nothing may get its name
// before its content is on the disk, and the state may not speak of a name that is not.
func TestNothingIsNamedBeforeItIsDurable(t *testing.T) {
	strace := need.Tool(t, "strace")
	for _, act := range acts {
		t.Run(act.name, func(t *testing.T) {
			s := newScene(t)
			act.setup(s)
			names, folders := 0, map[string]bool{} // folders with names that are not durable
			dirty := map[string]bool{}             // files with content that is not
			for _, l := range s.calls(strace, act.args) {
				m := line.FindStringSubmatch(l)
				if m == nil || strings.Contains(l, "/run/") || strings.Contains(l, "audit.jsonl") || strings.Contains(l, "/inbox") {
					continue // made anew at every start, or only told
				}
				file := between(m[3], "<", ">")
				quoted := regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(m[3], -1)
				switch m[2] {
				case "write", "pwrite64", "fchmod":
					dirty[file] = true
				case "fsync":
					delete(dirty, file)
					delete(folders, file)
				case "rename", "renameat", "renameat2":
					from, to := quoted[0][1], quoted[1][1]
					if dirty[from] {
						t.Errorf("%s gets its name before its content is durable", to)
					}
					if strings.HasSuffix(to, "/state.json") {
						for f := range folders {
							t.Errorf("state.json is written before the names in %s are durable", f)
						}
					}
					names++
					folders[filepath.Dir(to)] = true
				}
			}
			for f := range folders {
				t.Errorf("at the end the names in %s are not durable", f)
			}
			if names == 0 && act.args[0] != "select" {
				t.Error("no rename was seen")
			}
		})
	}
}

func between(s, open, end string) string {
	_, s, _ = strings.Cut(s, open)
	s, _, _ = strings.Cut(s, end)
	return s
}

// Every choice counts a candidate's start before it is one.
func TestACandidateIsStartedAtMostThreeTimesWhateverIsKilled(t *testing.T) {
	strace := need.Tool(t, "strace")
	s := newScene(t)
	s.offer("1.1.0")
	s.must(s.apply())
	calls := s.clone(t).trace(strace, []string{"select"})
	starts := 0
	for i := 0; s.status().Candidate != nil; i++ {
		if i > len(calls)*4 {
			t.Fatal("the trial does not end")
		}
		before := s.status().Candidate.Tries
		_ = os.Remove(filepath.Join(s.dir, "run", "tcenvsvr"))
		s.killAt(strace, calls[(i*7)%len(calls)], []string{"select"})
		if _, err := os.Lstat(filepath.Join(s.dir, "run", "tcenvsvr")); err != nil {
			continue // it was killed before there was something to start
		}
		if c := s.status().Candidate; c != nil && c.Tries == before {
			t.Errorf("a start was not counted (%d tries)", c.Tries)
		}
		starts++
	}
	if starts > 4 { // the fourth starts the baseline
		t.Errorf("started %d times", starts)
	}
	s.wantChoice("1.0.0", false)
	if m := s.status().Bad; len(m) != 1 || m[0].Class != handover.Crash {
		t.Errorf("got marks %+v", m)
	}
}
