package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/setup/hosttest"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/certs/roots"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
)

// over mounts a file or a folder over another, in the mount namespace of this test.
func over(t *testing.T, source, target, kind string, flags uintptr) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		t.Fatalf("mounting %q: %v", target, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(target, unix.MNT_DETACH) })
}

// TestTroubleOfTheHost: a host has little memory, a firewall, SELinux's denials, a service that does not
// run, CAs that cannot be read. What the tools of other hosts print is played back.
func TestTroubleOfTheHost(t *testing.T) {
	hosttest.Machine(t)
	c := installation(t, map[string]string{})
	tools := filepath.Join(t.TempDir(), "bin")
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	write := func(path string, mode os.FileMode, format string, args ...any) {
		t.Helper()
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, fmt.Appendf(nil, format, args...), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	meminfo := filepath.Join(tools, "meminfo")
	memory := func(total, free int) {
		write(meminfo, 0o644, "MemTotal: %d kB\nMemFree: %d kB\nMemAvailable: %[2]d kB\nBuffers: 0 kB\nCached: 0 kB\n", total, free)
	}
	const denial = `printf 'time->Mon\ntype=AVC msg=audit(1): avc:  denied  { read } for  pid=7 comm="tcenvsvr" name="passwd"\n'`

	memory(2<<20, 1<<20)
	over(t, meminfo, "/proc/meminfo", "", unix.MS_BIND)
	over(t, "tmpfs", "/sys/fs", "tmpfs", 0)
	write("/sys/fs/selinux/enforce", 0o644, "1")
	write(filepath.Join(tools, "ausearch"), 0o755, "#!/bin/sh\n%s\n", denial)
	write(filepath.Join(tools, "nft"), 0o755, "#!/bin/sh\ncat << 'E'\ntable inet filter {\n\tchain output {\n\t\ttype filter hook output priority 0; policy accept;\n\t\ttcp dport 62000 drop\n\t}\n}\nE\n")
	// Either systemd or init is asked, by what this machine has.
	write(filepath.Join(tools, "systemctl"), 0o755, "#!/bin/sh\necho LoadState=loaded\necho ActiveState=inactive\n")
	write("/etc/init.d/"+svc.Name, 0o755, "#!/bin/sh\nexit 3\n")
	for _, name := range []string{"oracle", "enterprise", "redhat", "system"} {
		_ = os.Remove("/etc/" + name + "-release")
	}
	write("/etc/debian_version", 0o644, "12.11\n")
	write(roots.SystemFiles[0], 0o644, "no certificate\n")
	found := findings(t, c, CheckHost(t.Context(), c))
	for name, want := range map[string]says{
		"host/memory":   {Warning, "2.0 GB, 1.0 GB of it available", "give the host more memory, or lower appsNumberofJobExecutors"},
		"host/system":   {Warning, "debian", "for the vendor's support use RHEL 8 or 9"},
		"host/selinux":  {Failed, "enforcing; 1 denials today, the last: type=AVC", `see "ausearch -m avc -ts today", and label the files: "restorecon -RF" on the home`},
		"host/firewall": {Warning, "outbound rules that drop or reject: tcp dport 62000 drop", "see that they allow outbound TCP 443 and 62000; the network checks below tell whether they do"},
		"host/service":  {Warning, ": installed and not running", "start it as root"},
		"trust/CAs":     {Failed, "reading the host's trusted CAs from ", "restore the host's CAs: update-ca-trust"},
	} {
		want.check(t, name, found[name])
	}

	memory(8<<20, 100<<10)
	write("/sys/fs/selinux/enforce", 0o644, "0")
	write(filepath.Join(tools, "nft"), 0o755, "#!/bin/sh\nexit 1\n")
	write(filepath.Join(tools, "iptables"), 0o755, "#!/bin/sh\necho '-P OUTPUT DROP'\n")
	write(filepath.Join(tools, "systemctl"), 0o755, "#!/bin/sh\necho LoadState=loaded\necho ActiveState=active\n")
	write("/etc/init.d/"+svc.Name, 0o755, "#!/bin/sh\nexit 0\n")
	units := "/usr/lib/systemd/system"
	if err := os.MkdirAll(units, 0o755); err != nil {
		t.Fatal(err)
	}
	over(t, "tmpfs", units, "tmpfs", 0)
	write(units+"/"+svc.Name+".service", 0o644, "[Service]\n")
	for _, file := range roots.SystemFiles {
		_ = os.Remove(file)
	}
	over(t, "tmpfs", c.Paths.Jobs, "tmpfs", unix.MS_NOEXEC)
	nothing := t.TempDir() // a Java or a Python of this machine has CAs
	c.Environ = []string{"TCENVSVR_APPSJAVAHOME=" + nothing, "TCENVSVR_APPSPYTHONHOME311=" + nothing, "TCENVSVR_APPSPYTHONHOME=" + nothing}
	certstest.File(t, filepath.Join(c.Paths.Home, "certs.d"), "ours.pem", certstest.New(t).PEM())
	found = findings(t, c, CheckHost(t.Context(), c))
	for name, want := range map[string]says{
		"host/memory":   {Failed, "8.0 GB, 100 MB of it available", "end what uses it, or give the host more"},
		"host/selinux":  {Warning, "permissive; 1 denials today, the last: type=AVC", "they would be forbidden in enforcing mode"},
		"host/firewall": {Warning, "-P OUTPUT DROP", "see that they allow outbound TCP 443 and 62000"},
		"host/service":  {Warning, ": running, but it will not start with the host", `as root: "systemctl enable threatconnect-envsvr"`},
		"host/noexec":   {Failed, "is on a file system mounted noexec", "mount it without noexec, or put the home elsewhere"},
		"trust/CAs":     {Warning, "1 private CAs and none of the host's", "install the package ca-certificates"},
	} {
		want.check(t, name, found[name])
	}
}
