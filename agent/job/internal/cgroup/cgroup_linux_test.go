package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fake is a folder with the files of a group, which a kernel would make.
func fake(t *testing.T, has ...string) *Group {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.weight"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &Group{dir: dir, has: has}
}

func TestSet(t *testing.T) {
	all := []string{"memory", "pids", "cpu"}
	for name, test := range map[string]struct {
		has    []string
		limits Limits
		want   map[string]string
	}{
		"all":           {all, Limits{512 << 20, 64, 50}, map[string]string{"memory.max": "536870912", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "64", "cpu.weight": "50"}},
		"none":          {all, Limits{}, map[string]string{"memory.oom.group": "1"}},
		"not delegated": {nil, Limits{512 << 20, 64, 50}, map[string]string{}},
		"pids only":     {[]string{"pids"}, Limits{512 << 20, 1, 1}, map[string]string{"pids.max": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := fake(t, test.has...)
			if err := g.Set(test.limits); err != nil {
				t.Fatal(err)
			}
			files, err := os.ReadDir(g.dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				data, err := os.ReadFile(filepath.Join(g.dir, f.Name()))
				if err != nil || string(data) != test.want[f.Name()] {
					t.Errorf("%s: %q, %v; want %q", f.Name(), data, err, test.want[f.Name()])
				}
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		g := fake(t, all...)
		if err := os.Remove(filepath.Join(g.dir, "memory.max")); err != nil {
			t.Fatal(err)
		}
		if err := g.Set(Limits{Memory: 1 << 20}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a limit that does not hold: %v", err)
		}
		if err := g.Set(Limits{Tasks: 1}); err != nil {
			t.Error(err)
		}
	})
	t.Run("no group", func(t *testing.T) {
		var g *Group
		g.Kill()
		g.Close()
		if err := g.Set(Limits{1, 1, 1}); err != nil || g.OOMKills() != 0 || g.Limits("memory") || g.Controllers() != nil || g.Mount() != "" {
			t.Error(err)
		}
	})
}

// TestSetAgain: what held for the App before does not hold for the next one.
func TestSetAgain(t *testing.T) {
	g := fake(t, "memory", "pids", "cpu")
	for _, step := range []struct {
		limits Limits
		want   map[string]string // what was written since the step before
	}{
		{Limits{512 << 20, 64, 50}, map[string]string{"memory.oom.group": "1", "memory.max": "536870912", "memory.swap.max": "0", "pids.max": "64", "cpu.weight": "50"}},
		{Limits{512 << 20, 64, 50}, nil},
		{Limits{Tasks: 8}, map[string]string{"memory.max": "max", "memory.swap.max": "max", "pids.max": "8", "cpu.weight": "100"}},
		{Limits{}, map[string]string{"pids.max": "max"}},
	} {
		if err := g.Set(step.limits); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(g.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			path := filepath.Join(g.dir, f.Name())
			data, err := os.ReadFile(path)
			if err != nil || string(data) != step.want[f.Name()] {
				t.Errorf("%+v: %s: %q, %v; want %q", step.limits, f.Name(), data, err, step.want[f.Name()])
			}
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAgain: a group is for another App only if it is as a new one would be.
func TestAgain(t *testing.T) {
	clean := map[string]string{"cgroup.events": "populated 0\nfrozen 0\n", "memory.events": "oom 1\noom_kill 0\n", "memory.current": "8388608\n"}
	for name, tt := range map[string]struct {
		file, text string // in place of the clean one
		has        []string
		want       bool
	}{
		"clean":               {has: []string{"memory"}, want: true},
		"something lives":     {file: "cgroup.events", text: "populated 1\nfrozen 0\n", has: []string{"memory"}},
		"not known":           {file: "cgroup.events", text: "", has: nil},
		"out of memory":       {file: "memory.events", text: "oom_kill 1\n", has: []string{"memory"}},
		"memory not known":    {file: "memory.events", text: "", has: []string{"memory"}},
		"much is charged":     {file: "memory.current", text: "8388609\n", has: []string{"memory"}},
		"charge is no number": {file: "memory.current", text: "max\n", has: []string{"memory"}},
		"no memory to limit":  {file: "memory.events", text: "", has: []string{"pids"}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := fake(t, tt.has...)
			for file, text := range clean {
				if file == tt.file {
					text = tt.text
				}
				if err := os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if g.fd, err = os.Open(g.dir); err != nil {
				t.Fatal(err)
			}
			defer g.fd.Close()
			if g.Again(nil) {
				t.Error("a group beside another shim's is used again")
			}
			g.home = g.dir
			if got := g.Again(nil); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
	if (*Group)(nil).Again(nil) {
		t.Error("no group is used again")
	}
}

func TestOOMKills(t *testing.T) {
	g := fake(t, "memory")
	if n := g.OOMKills(); n != 0 {
		t.Errorf("without the file: %d", n)
	}
	if err := os.WriteFile(filepath.Join(g.dir, "memory.events"), []byte("low 0\nhigh 0\nmax 38\noom 2\noom_kill 3\noom_group_kill 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := g.OOMKills(); n != 3 {
		t.Errorf("got %d, want 3", n)
	}
}

func TestMounted(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		"30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n":                        "/sys/fs/cgroup",
		"31 23 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 x rw": "/sys/fs/cgroup/unified",
		"30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n":                                                                    "", // a part of it
	} {
		if got := mounted([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestMaker(t *testing.T) {
	for name, want := range map[string]bool{"tc-job-1-2": true, "tc-job-1": false, "tc-job--": false, "tc-shim": false, "other-1-2": false, "tc-job-1-2-3": true, "tc-job-1--3": false} {
		if _, _, ok := maker(name); ok != want {
			t.Errorf("%q: %t", name, ok)
		}
	}
}

func TestNotDelegated(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"app.slice", "a.service"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 || !strings.HasSuffix(name, ".service") { // a service without cgroup.procs is none either
			if delegated(filepath.Join(dir, name)) {
				t.Errorf("%q is taken for a delegated group", name)
			}
		}
	}
}

// TestRealGroup has the kernel do all but limit.
func TestRealGroup(t *testing.T) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	site := filepath.Join(mounted(mounts), "tcenvsvr-cgroup-test")
	if mounted(mounts) == "" {
		t.Skip("control groups of version 2 are not mounted here")
	}
	if err := os.Mkdir(site, 0o755); err != nil {
		t.Skipf("making a control group: %v", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(site); err != nil {
			t.Error(err)
		}
	})
	dead := filepath.Join(site, "tc-job-4000000-1")
	if err := os.Mkdir(dead, 0o755); err != nil {
		t.Fatal(err)
	}
	g, err := within(site)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the group of a shim that was killed is still there")
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	sys := &unix.SysProcAttr{}
	start := func() int {
		pid, err := g.Start(sys, func() (int, error) {
			return forkExec("/bin/sh", []string{"sh", "-c", "sleep 1000 & exec sleep 1000"}, null, sys)
		})
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	pid := start()
	for deadline := time.Now().Add(10 * time.Second); len(words(filepath.Join(g.dir, "cgroup.procs"))) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the processes are not in their group")
		}
	}
	g.Kill()
	var ws unix.WaitStatus
	if _, err := unix.Wait4(pid, &ws, 0, nil); err != nil || ws.Signal() != unix.SIGKILL {
		t.Errorf("%v, %v", ws, err)
	}
	pid = start()
	g.Close()
	if _, err := os.Stat(g.dir); err == nil {
		t.Error("the group is still there")
	}
	_, _ = unix.Wait4(pid, nil, 0, nil)
	g.Close() // once more does nothing
}

// TestStartWithoutClone: a kernel that makes no process in a group has it forked from in there.
func TestStartWithoutClone(t *testing.T) {
	g := fake(t)
	home := t.TempDir()
	for _, dir := range []string{g.dir, home} {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if g.fd, err = os.Open(g.dir); err != nil {
		t.Fatal(err)
	}
	defer g.fd.Close()
	g.home = home
	sys, calls := &unix.SysProcAttr{}, 0
	pid, err := g.Start(sys, func() (int, error) {
		if calls++; sys.UseCgroupFD {
			return 0, unix.ENOSYS
		}
		if len(words(filepath.Join(g.dir, "cgroup.procs"))) != 1 || len(words(filepath.Join(home, "cgroup.procs"))) != 0 {
			t.Error("forked elsewhere")
		}
		return 7, nil
	})
	if pid != 7 || err != nil || calls != 2 || len(words(filepath.Join(home, "cgroup.procs"))) != 1 {
		t.Errorf("%d, %v after %d calls", pid, err, calls)
	}
	if _, err := g.Start(sys, func() (int, error) { return 0, unix.ENOENT }); !errors.Is(err, unix.ENOENT) {
		t.Error(err)
	}
}

func forkExec(program string, args []string, null *os.File, sys *unix.SysProcAttr) (int, error) {
	return syscall.ForkExec(program, args, &syscall.ProcAttr{Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}, Sys: sys})
}
