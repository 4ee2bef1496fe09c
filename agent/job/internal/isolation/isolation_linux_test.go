package isolation

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const nobody = 65534

// stage is a home like the agent's, below a folder that everybody may pass.
func stage(t *testing.T) (home string, p Plan) {
	t.Helper()
	return stageIn(t, "/var")
}

func stageIn(t *testing.T, dir string) (home string, p Plan) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	base, err := os.MkdirTemp(dir, "isolation")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	home = filepath.Join(base, "home")
	job := home + "/exchange/jobs/one"
	for _, dir := range []string{base + "/etc", base + "/run", job + "/tmp", job + "/shim", job + "/out", home + "/exchange/jobs/two", home + "/exchange/programs/app", home + "/exchange/programs/other"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{
		base + "/etc/masterkey": 0o644, base + "/run/sock": 0o666, home + "/settings.yaml": 0o644, job + "/shim/exit": 0o666, home + "/exchange/jobs/two/params": 0o644,
		home + "/exchange/programs/app/app.py": 0o644, home + "/exchange/programs/other/app.py": 0o644, home + "/trust.pem": 0o644,
	} {
		if err := os.WriteFile(name, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{base, job, job + "/out", job + "/tmp", job + "/shim", home + "/exchange/programs/app"} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return home, Plan{
		Level: Full, Hide: []string{home, job + "/shim", base + "/etc", base + "/run", base + "/none"}, Keep: []string{job},
		Show: []string{home + "/exchange/programs/app", home + "/trust.pem", home + "/missing"}, Tmp: job + "/tmp",
	}
}

func inside(t *testing.T, p Plan, script string) string {
	t.Helper()
	exe := filepath.Join(filepath.Dir(filepath.Dir(p.Keep[0])), "init") // where nobody may execute it
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=TestHelperStart", "-test.v=false")
	c.Env = append(os.Environ(), "PLAN="+string(plan), "SCRIPT="+script)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	c.Dir = "/"
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(out), "PASS\n"), "\n")
}

func anywhere(_ *syscall.SysProcAttr, fork func() (int, error)) (int, error) { return fork() }

// built is a world that an init has been told to build.
func built(s *Start, out *os.File) (*World, error) {
	init, err := Bear(s.Plan.Level, anywhere)
	if err != nil {
		return nil, err
	}
	w, err := init.Build(s, nil, out, out)
	if err != nil {
		init.Discard()
	}
	return w, err
}

// discard ends the init of a world whose App was not executed.
func discard(w *World) {
	w.Close()
	_ = unix.Kill(w.PID, unix.SIGKILL)
	_, _ = unix.Wait4(w.PID, nil, 0, nil)
}

// TestHelperStart is the shim: it has a world built for a shell.
func TestHelperStart(t *testing.T) {
	if os.Getenv("PLAN") == "" {
		t.Skip("started by other tests")
	}
	var p Plan
	if err := json.Unmarshal([]byte(os.Getenv("PLAN")), &p); err != nil {
		t.Fatal(err)
	}
	s := &Start{Plan: p, Argv: []string{"/bin/sh", "-c", os.Getenv("SCRIPT")}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/"}
	w, err := built(s, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Execute(); err != nil {
		t.Fatal(err)
	}
	if end := w.Wait(); end.Code != 0 {
		t.Fatalf("the shell ended: %+v", end)
	}
}

func TestWorld(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"user":      {"id -u; id -g", "65534\n65534"},
		"first":     {"set -- /proc/[0-9]*; echo $#; cat /proc/1/environ /proc/1/maps 2>&1 | head -c 1000 | grep -c denied", "2\n2"},
		"home":      {"cd @; find . | sort", ".\n./exchange\n./exchange/jobs\n./exchange/jobs/one\n./exchange/jobs/one/out\n./exchange/jobs/one/shim\n./exchange/jobs/one/tmp\n./exchange/programs\n./exchange/programs/app\n./exchange/programs/app/app.py\n./trust.pem"},
		"app":       {"echo y > @/exchange/programs/app/new; echo y > @/new; echo y > @/exchange/jobs/one/out/new && echo written", "/bin/sh: 1: cannot create @/exchange/programs/app/new: Read-only file system\n/bin/sh: 1: cannot create @/new: Read-only file system\nwritten"},
		"hidden":    {"for d in @/../etc @/../run @/exchange/jobs/one/shim /run/user; do [ -d $d ] || continue; ls -A $d; touch $d/x 2>&1; done | grep -v -i 'read-only'; true", ""},
		"tmp":       {"echo y > /tmp/x; ls @/exchange/jobs/one/tmp /var/tmp", "@/exchange/jobs/one/tmp:\nx\n\n/var/tmp:\nx"},
		"shm":       {"ls -A /dev/shm; touch /dev/shm/x && echo ok", "ok"},
		"namespace": {"unshare -r true 2>&1; unshare -m true 2>&1; true", "unshare: unshare failed: Operation not permitted\nunshare: unshare failed: Operation not permitted"},
		"mount":     {"mount -t tmpfs x /tmp 2>&1 | grep -c -i -E 'permission|permitted|superuser'", "1"},
		"caps":      {"grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\n\\t'", "CapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000CapBnd:0000000000000000CapAmb:0000000000000000NoNewPrivs:1Seccomp:2"},
	} {
		t.Run(name, func(t *testing.T) {
			home, p := stage(t)
			if got := strings.ReplaceAll(inside(t, p, strings.ReplaceAll(c.script, "@", home)), home, "@"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestFilesInMemory: they are whole, the App's alone, and its to remove.
func TestFilesInMemory(t *testing.T) {
	_, p := stage(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 5<<10)
	p.Files = []File{{Name: ".params", Data: []byte("a\x00b\n")}, {Name: "large", Data: large}, {Name: "empty"}}
	got := inside(t, p, "cd /dev/shm; stat -c '%n %a %s %u' .params large empty; od -An -c .params; sha256sum <large; rm .params large && ls -A")
	want := fmt.Sprintf(".params 600 4 65534\nlarge 600 %d 65534\nempty 600 0 65534\n   a  \\0   b  \\n\n%x  -\nempty", len(large), sha256.Sum256(large))
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []Plan{
		{Level: Filtered, Files: []File{{Name: "x"}}}, {Level: Full, Files: []File{{Name: "../x"}}},
		{Level: Full, Files: []File{{}}}, {Level: Full, Files: []File{{Name: ".."}}}, {Level: Files, Files: []File{{Name: "a\x00"}}},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// TestWorldInShownFolder: what is shown may have the agent's home in it, as where a program lies
// beside a home below /tmp.
func TestWorldInShownFolder(t *testing.T) {
	home, p := stageIn(t, "/tmp")
	outer := filepath.Dir(home)
	p.Show = append(p.Show, outer)
	got := inside(t, p, "cd "+outer+"; find . | sort; (echo y >x) 2>/dev/null || echo closed; echo y >home/exchange/jobs/one/out/new && echo written")
	want := ".\n./etc\n./home\n./home/exchange\n./home/exchange/jobs\n./home/exchange/jobs/one\n./home/exchange/jobs/one/out\n./home/exchange/jobs/one/shim\n./home/exchange/jobs/one/tmp\n" +
		"./home/exchange/programs\n./home/exchange/programs/app\n./home/exchange/programs/app/app.py\n./home/trust.pem\n./run\nclosed\nwritten"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAbstractSocket: no path and no namespace keeps Apps from each other's abstract sockets,
// Landlock does.
func TestAbstractSocket(t *testing.T) {
	if abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 || abi < 6 {
		t.Skipf("this kernel's Landlock knows no scopes: version %d, %v", abi, errno)
	}
	name := "@isolation-" + filepath.Base(t.TempDir()) + fmt.Sprint(os.Getpid())
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, level := range []Level{Filtered, Files, Full} {
		t.Run(string(level), func(t *testing.T) {
			_, p := stage(t)
			p.Level = level
			got := inside(t, p, `python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\0`+name[1:]+`")' 2>&1 | tail -n 1`)
			if want := "PermissionError: [Errno 1] Operation not permitted"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestWorldThatCannotBeBuilt: that a step failed is not taken for an App that cannot be executed.
func TestWorldThatCannotBeBuilt(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, c := range map[string]struct {
		plan Plan
		argv string
		app  bool // the App is at fault
	}{
		"no such App":    {Plan{Level: Filtered}, "/no/such", true},
		"no such folder": {Plan{Level: Full, Tmp: "/no/such"}, "/bin/true", false},
		"no such keep":   {Plan{Level: Full, Hide: []string{"/opt"}, Lock: []string{"/proc/self/fd/0"}}, "/bin/true", false},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { // the thread that forks is given up
				w, err := built(&Start{Plan: c.plan, Argv: []string{c.argv}, Dir: "/"}, null)
				if err == nil {
					err = w.Execute()
					discard(w)
				}
				done <- err
			}()
			err := <-done
			if _, app := errors.AsType[syscall.Errno](err); err == nil || app != c.app {
				t.Errorf("got %v, the App's fault: %t; want %t", err, app, c.app)
			}
		})
	}
}

// TestWordOfADeadShim: an init that comes to read its word when nobody waits for its answer any more executes
// nothing.
func TestWordOfADeadShim(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s := &Start{Plan: Plan{Level: Filtered}, Argv: []string{"/bin/sh", "-c", ": >" + mark}, Env: []string{}, Dir: "/"}
	init, err := Bear(Filtered, func(_ *syscall.SysProcAttr, fork func() (int, error)) (int, error) {
		pid, err := fork()
		_ = unix.Kill(pid, unix.SIGSTOP) // it is slow
		return pid, err
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := init.Build(s, nil, os.Stdout, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.conn.Write([]byte(execute)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	_ = unix.Kill(w.PID, unix.SIGCONT)
	if _, err := unix.Wait4(w.PID, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the App was executed: %v", err)
	}
}

// TestLargeEnvironment: an App gets as much as the kernel takes.
func TestLargeEnvironment(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &Start{Plan: Plan{Level: Filtered}, Argv: []string{"/bin/sh", "-c", "echo ${#V0} ${#V99}"}, Dir: "/"}
	for n := range 100 {
		s.Env = append(s.Env, fmt.Sprintf("V%d=%s", n, strings.Repeat("x", 15_000+n)))
	}
	w, err := built(s, in)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Execute(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	got, err := io.ReadAll(out)
	if err != nil || string(got) != "15000 15099\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if end := w.Wait(); end.Code != 0 {
		t.Errorf("got %+v", end)
	}
}
