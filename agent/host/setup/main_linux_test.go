package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
	"tcenvsvr/test/need"
)

// TestMain runs the tests of root in a mount namespace of their own, where
// every test gets a fresh copy of what would be changed: the host of whoever runs them is left alone.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "--home" {
		code := settingsCommand(os.Args[2], os.Args[4:])
		// Past the race detector, which waits for a second before it lets a program go.
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	}
	const inside = "TCENVSVR_TEST_INSIDE"
	if os.Geteuid() != 0 || os.Getenv(inside) != "" {
		isolated = os.Geteuid() == 0 && unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") == nil
		os.Exit(m.Run())
	}
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Env = append(os.Environ(), inside+"=1")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "running in a mount namespace:", err)
		os.Exit(1)
	}
}

var isolated bool

// settingsCommand is the program's "settings show --json" and "settings set
// NAME=VALUE", as which package become runs this binary; the program itself is run so
// by test/host.
func settingsCommand(home string, args []string) int {
	p, err := paths.New(home)
	if err == nil && args[0] == "set" {
		name, value, _ := strings.Cut(args[1], "=")
		err = settings.Set(p.Settings, map[string]string{name: value}, nil)
	} else if err == nil {
		var s settings.Settings
		var origins settings.Origins
		if s, origins, err = settings.Load(settings.Options{File: p.Settings}); err == nil {
			var all []map[string]string
			for _, row := range settings.All {
				all = append(all, map[string]string{"name": row.Name, "value": s.Text(row.Name), "origin": origins[row.Name].String()})
			}
			err = json.NewEncoder(os.Stdout).Encode(all)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const home = "/opt/threatconnect-envsvr"

// machine is a copy of this host, without our users, that ends with the test.
func machine(t *testing.T) *Host {
	t.Helper()
	need.Root(t)
	if !isolated {
		t.Fatal("this test needs a mount namespace of its own")
	}
	over := t.TempDir()
	mount(t, "tmpfs", over, "tmpfs", "mode=0755")
	for _, dir := range []string{"/etc", "/var/lib", "/opt", "/run"} {
		upper, work := filepath.Join(over, dir, "upper"), filepath.Join(over, dir, "work")
		for _, d := range []string{upper, work} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		mount(t, "overlay", dir, "overlay", fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work))
	}
	for _, name := range []string{Agent, Sandbox} { // left by an installation on this host
		if _, err := lookupUser(t.Context(), name); err == nil {
			sh(t, "userdel "+name)
		}
		if _, err := lookupGroup(t.Context(), name); err == nil {
			sh(t, "groupdel "+name)
		}
	}
	for _, path := range []string{home, sudoersFile, backupDir, "/etc/threatconnect-envsvr"} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	return &Host{Home: home}
}

func mount(t *testing.T, source, dir, kind, options string) {
	t.Helper()
	if err := unix.Mount(source, dir, kind, 0, options); err != nil {
		t.Fatalf("mounting %s on %q: %v", kind, dir, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %q: %v", dir, err)
		}
	})
}

// sh runs a script as root and returns what it said.
func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return string(out)
}

// as runs a script as a user, with nothing that could ask a person.
func as(t *testing.T, name, script string) (string, error) {
	t.Helper()
	a, err := lookupUser(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
	c.Dir = "/"
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// report collects what is told.
type report []Result

func (r *report) tell(x Result) { *r = append(*r, x) }

func (r report) String() string {
	var b strings.Builder
	for _, x := range r {
		for _, f := range x.Findings {
			fmt.Fprintf(&b, "%s: %s: %s%s\n", x.Step, f.Text, f.Fix, f.Try)
		}
		if x.Err != nil {
			fmt.Fprintf(&b, "%s: error: %v\n", x.Step, x.Err)
		}
	}
	return b.String()
}

// said is all that one of Host's methods tells, and its error.
func told(t *testing.T, do func(context.Context, func(Result)) error) (string, error) {
	t.Helper()
	var r report
	err := do(t.Context(), r.tell)
	return r.String(), err
}

func apply(h *Host) func(context.Context, func(Result)) error {
	return func(ctx context.Context, tell func(Result)) error { return h.Apply(ctx, false, tell) }
}

func remove(h *Host) func(context.Context, func(Result)) error {
	return func(ctx context.Context, tell func(Result)) error { return h.Remove(ctx, false, tell) }
}
