package settings

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/test/need"
)

var traced = regexp.MustCompile(`^(\d+) +(\w+)\((.*)`)

// steps are the system calls that make up a save; what else a process does comes at its runtime's
// will.
var steps = []string{"openat", "flock", "read", "fstat", "newfstatat", "write", "fchown", "fchmod", "fsync", "close", "rename", "renameat", "renameat2", "unlinkat"}

// A process is killed before each system call of a save. Afterwards the file is the old one or the
// new one, whole, the lock is free, and a change can be made.
func TestKilledAtEveryStepOfASave(t *testing.T) {
	strace := need.Tool(t, "strace")
	const old = "serverName: old\nproxyHost: p\n"
	killed, news := 0, 0
	for _, at := range saveCalls(t, strace, write1(t, old)) {
		file := write1(t, old)
		name, _, _ := strings.Cut(at, ":")
		c := startChild(file, strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+name, "-e", "inject="+strings.Replace(at, ":", ":signal=KILL:when=", 1))
		quiet(c)
		out, err := c.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.Exited()) {
			t.Fatalf("killing at %s: %v\n%s", at, err, out)
		}
		if err != nil {
			killed++
		}
		s, _, err := Load(Options{File: file})
		if err != nil || s.ServerName != "old" && s.ServerName != "v0" || s.ProxyHost != "p" {
			t.Errorf("killed before %s: got %q, %q, %v", at, s.ServerName, s.ProxyHost, err)
		}
		if s.ServerName == "v0" {
			news++
		}
		release, err := filelock.Try(file + ".lock")
		if err != nil {
			t.Fatalf("killed before %s: the lock is not free: %v", at, err)
		}
		release()
		if err := Set(file, map[string]string{"serverName": "next"}, nil); err != nil {
			t.Errorf("killed before %s: the next change: %v", at, err)
		}
		if err := atomicfile.Sweep(filepath.Dir(file)); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 2 {
			t.Errorf("killed before %s: the folder holds %v, want settings and lock", at, left)
		}
	}
	t.Logf("killed at %d points, %d of them after the save", killed, news)
	if killed < 10 || news == 0 || news == killed {
		t.Errorf("killed at %d points, %d of them after the save: that is not every step", killed, news)
	}
}

// quiet keeps the Go runtime from calling the kernel at times of its own.
func quiet(c *exec.Cmd) {
	c.Env = append(c.Env, "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
}

// saveCalls lists the calls, as name:nth, from the lock to the end of the save.
func saveCalls(t *testing.T, strace, file string) (calls []string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace")
	c := startChild(file, strace, "-f", "-qq", "-o", out)
	quiet(c)
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("tracing a save: %v\n%s", err, text)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	count, ours, saved := map[string]int{}, false, false
	for line := range strings.Lines(string(text)) {
		m := traced.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		// strace counts an injection's calls for each thread: a save is all in the main one.
		key := m[1] + m[2]
		count[key]++
		ours = ours || strings.Contains(m[3], file+".lock")
		if ours && slices.Contains(steps, m[2]) {
			calls = append(calls, fmt.Sprintf("%s:%d", m[2], count[key]))
		}
		if saved = saved || strings.HasPrefix(m[2], "rename"); saved && m[2] == "close" {
			break
		}
	}
	if !saved {
		t.Fatal("no rename was traced")
	}
	return calls
}
