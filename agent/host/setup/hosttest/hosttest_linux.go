package hosttest

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

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/host/tool"
	"tcenvsvr/agent/settings"
	"tcenvsvr/test/need"
)

// Main is the TestMain of a package. It runs the tests of root in a mount namespace of their own,
// so that they leave the host alone on which they run.
func Main(m *testing.M) {
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

// settingsCommand is the program's "settings show --json" and "settings set NAME=VALUE", as which
// package become runs this binary. The tests in test/host run the program itself.
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

// Machine is a copy of this host, without our users and files, that ends with the test.
func Machine(t *testing.T) *setup.Host {
	t.Helper()
	need.Root(t)
	if !isolated {
		t.Fatal("this test needs a mount namespace of its own")
	}
	over := t.TempDir()
	mount(t, "tmpfs", over, "tmpfs", "mode=0755")
	if err := os.MkdirAll(filepath.Dir(layout.Libexec), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/etc", "/var/lib", "/opt", "/run", filepath.Dir(layout.Libexec)} {
		upper, work := filepath.Join(over, dir, "upper"), filepath.Join(over, dir, "work")
		for _, d := range []string{upper, work} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		mount(t, "overlay", dir, "overlay", fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work))
	}
	for _, name := range []string{layout.Agent, layout.Sandbox} { // left by an installation on this host
		if _, err := tool.LookupUser(t.Context(), name); err == nil {
			Sh(t, "userdel "+name)
		}
		if _, err := tool.LookupGroup(t.Context(), name); err == nil {
			Sh(t, "groupdel "+name)
		}
	}
	for _, path := range []string{layout.Home, layout.Sudoers, layout.HostState, layout.Etc, layout.Libexec} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	return &setup.Host{Home: layout.Home}
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

// Sh runs a script as root and returns what it printed.
func Sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return string(out)
}

// As runs a script as a user, without anything that could ask a person.
func As(t *testing.T, name, script string) (string, error) {
	t.Helper()
	user, err := tool.LookupUser(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tool.CommandAs(t.Context(), user, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Report calls one of Host's methods and returns all that it reported as text, and its error.
func Report(t *testing.T, do func(context.Context, func(setup.Result)) error) (string, error) {
	t.Helper()
	var b strings.Builder
	err := do(t.Context(), func(r setup.Result) {
		for _, f := range r.Findings {
			fmt.Fprintf(&b, "%s: %s: %s%s\n", r.Step, f.Text, f.Fix, f.Try)
		}
		if r.Err != nil {
			fmt.Fprintf(&b, "%s: error: %v\n", r.Step, r.Err)
		}
	})
	return b.String(), err
}

// Apply is h.Apply for Report.
func Apply(h *setup.Host) func(context.Context, func(setup.Result)) error {
	return func(ctx context.Context, report func(setup.Result)) error { return h.Apply(ctx, false, report) }
}

// Remove is h.Remove for Report.
func Remove(h *setup.Host) func(context.Context, func(setup.Result)) error {
	return func(ctx context.Context, report func(setup.Result)) error { return h.Remove(ctx, false, report) }
}
