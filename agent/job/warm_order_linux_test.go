package job

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/sock"
)

// TestTemplateForksForShimsOnly: who is of the same user and knows where a template's socket is, as all
// Apps do, gets no world that it could furnish.
func TestTemplateForksForShimsOnly(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "print('main')\n", "deps/lib.py": ""})
	tp := template(t, e, dir, "lib")
	wait(t, startWarm(t, e, tp, order(t, dir)))
	for _, words := range []string{"order\n", "order \n", "order AAAAAAAAAAAAAAAAAAAAAAAAAA\n"} {
		c, err := sock.Dial(t.Context(), tp.Dir(), tp.Status().ShimPID, tp.Status().Token)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(c, words); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(io.LimitReader(c, 10)); len(answer) > 0 || err != nil {
			t.Errorf("%q is answered: %q, %v", words, answer, err)
		}
	}
}

// TestNoTemplateWithoutLandlock: nothing else keeps a hostile library in a template from the memory and the
// namespaces of the inits of its orders, which see all of the host that their user sees until they have built their worlds.
func TestNoTemplateWithoutLandlock(t *testing.T) {
	if os.Getenv("TEST_NO_LANDLOCK") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "TEST_NO_LANDLOCK=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	hideLandlock(t)
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "print('main')\n", "deps/lib.py": ""})
	l := order(t, dir)
	l.Argv, l.Isolation.Keep, l.Isolation.Tmp = []string{python}, nil, ""
	p, err := e.StartTemplate(t.Context(), l, Program{App: dir, Target: []string{"main.py"}, Env: l.Env[:6], Modules: []Module{{Root: dir + "/deps", Name: "lib"}}})
	if err == nil {
		defer func() { _ = p.End(t.Context()) }()
		t.Fatal("there is a template")
	}
	if code := startError(t, err).Code; code != CodeIsolation || !strings.Contains(err.Error(), "Landlock") {
		t.Errorf("%s: %v", code, err)
	}
	l = order(t, dir)
	if exit := run(t, l); exit.Code != 0 || output(t, l.Dir, Stdout) != "main\n" {
		t.Errorf("cold: %+v", exit)
	}
}

// hideLandlock makes this process, and all that it starts, one on a kernel without Landlock.
func hideLandlock(t *testing.T) {
	t.Helper()
	list := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_LANDLOCK_CREATE_RULESET},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); errno != 0 {
		t.Fatal(errno)
	}
}

// TestParametersInMemory: an App reads its file in memory whichever way it starts; what would fill the memory of
// a template, which all its orders share, has the App start cold.
func TestParametersInMemory(t *testing.T) {
	dir := app(t, map[string]string{
		"main.py":     "import os, dep\nd = open('/dev/shm/.app_params.json', 'rb').read()\nos.remove('/dev/shm/.app_params.json')\nprint(len(d), d[:3], os.listdir('/dev/shm'))",
		"deps/dep.py": "",
	})
	if err := os.WriteFile(filepath.Join(dir, "dep.py"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	e := newExecutor(t)
	tp := template(t, e, dir, "dep")
	for size, cold := range map[int]string{1000: "", 256 << 10: "", 256<<10 + 1: "would be in the memory of its template, which all its orders share: at most"} {
		l := order(t, dir)
		l.Warm = tp.Warm()
		l.Isolation.Files = []MemoryFile{{Name: ".app_params.json", Data: bytes.Repeat([]byte("abc"), size/3+1)[:size]}}
		p, exit := one(t, e, l)
		if got, want := output(t, l.Dir, Stdout), fmt.Sprintf("%d b'abc' []\n", size); exit.Code != 0 || got != want {
			t.Errorf("%d bytes: %+v, printed %q, want %q\n%s", size, exit, got, want, output(t, l.Dir, Stderr))
		}
		if s := p.Status(); s.Warm != (cold == "") || !strings.Contains(s.Cold, cold) {
			t.Errorf("%d bytes: warm %v, %q", size, s.Warm, s.Cold)
		}
	}
}
