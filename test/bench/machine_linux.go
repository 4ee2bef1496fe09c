package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/test/host"
	"tcenvsvr/test/stage"
)

const (
	product   = "threatconnect-envsvr"
	unit      = product + ".service"
	agentHome = "/opt/" + product
	masterKey = "/etc/" + product + "/masterkey"
)

// machineMissing says why no machine can be had here; "" = it can.
func machineMissing() string {
	if os.Geteuid() != 0 {
		return "a machine with systemd needs root"
	}
	for _, tool := range []string{"systemd-nspawn", "mmdebstrap", "nsenter", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "a machine with systemd needs " + tool
		}
	}
	return ""
}

// lab is a machine of the host lab with the package installed, as customers have it: systemd, sudo's
// rule, tc-job.socket. The agent's home is on this host's disk, because syncs of a file system in
// memory cost nothing.
type lab struct {
	*host.Host
	b       *bench
	c       *stage.Cloud
	admin   *admin
	servers int
}

// owner ends the machine with the benchmark. What fails ends the benchmark by a panic, which
// measure takes for an error.
type owner struct{ b *bench }

func (o owner) Helper()                           {}
func (o owner) Cleanup(f func())                  { o.b.atEnd(f) }
func (o owner) Context() context.Context          { return o.b.ctx }
func (o owner) Failed() bool                      { return o.b.failed }
func (o owner) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (o owner) Error(args ...any)                 { o.Fatal(args...) }
func (o owner) Errorf(format string, args ...any) { o.Fatalf(format, args...) }
func (o owner) Fatalf(format string, args ...any) { o.Fatal(fmt.Errorf(format, args...)) }

func (o owner) Fatal(args ...any) {
	o.b.failed = true
	panic(failure{fmt.Errorf("machine: %s", fmt.Sprint(args...))})
}

func (o owner) TempDir() string {
	dir, err := os.MkdirTemp(o.b.Dir, "machine")
	if err != nil {
		o.Fatal(err)
	}
	return dir
}

// newMachine boots it, installs the package of this source and starts a cloud behind the wire.
func (b *bench) newMachine() (*lab, error) {
	unix.Umask(0o022) // its users are not who makes its folders
	rpm, err := b.buildPackage()
	if err != nil {
		return nil, err
	}
	root, err := host.Build(b.ctx)
	if err != nil {
		return nil, err
	}
	m := &lab{Host: host.Boot(owner{b}, root), b: b}
	if err := os.Rename(rpm, filepath.Join(m.Share, "package.rpm")); err != nil {
		return nil, err
	}
	for _, dir := range []string{"home", "bundles"} {
		if err := os.Mkdir(filepath.Join(m.Share, dir), 0o755); err != nil {
			return nil, err
		}
	}
	m.Run("sh", "-c", "mkdir -p "+agentHome+" && mount --bind /share/home "+agentHome)
	m.Run("rpm", "-i", "--nodeps", "--nosignature", "/share/package.rpm")
	m.Run("sh", "-c", fmt.Sprintf("echo %s %s >>/etc/hosts; ln -s /bin/true %s", host.CloudAddress, host.CloudName, trivialPython))
	m.Write(masterKey, "correct horse battery staple\n", 0o600)
	m.Run("chown", "threatconnect:", masterKey)

	program, err := m.InCloud(b.Dir, b.CloudBin)
	if err != nil {
		return nil, err
	}
	s := &stage.Stage{Dir: b.Dir, CloudBin: program}
	if m.c, err = s.StartCloud(b.ctx, "cloud-of-machine", "--name", host.CloudName,
		"--broker-addr", host.CloudAddress+":62000", "--api-addr", host.CloudAddress+":443"); err != nil {
		return nil, err
	}
	b.atEnd(func() { m.c.Stop(stopTimeout) })
	if _, err := m.c.Do(b.ctx, "env", "create", environment); err != nil {
		return nil, err
	}
	m.admin, err = b.admin(m.c)
	if err == nil {
		m.admin.transport.DialContext = m.dial
		m.admin.transport.TLSClientConfig.ServerName = "127.0.0.1" // its certificate is for the loopback
	}
	return m, err
}

// buildPackage makes the package of this source, unsigned.
func (b *bench) buildPackage() (string, error) {
	dir := filepath.Join(b.Dir, "packages")
	for _, args := range [][]string{
		{"go", "build", "-o", filepath.Join(b.Dir, "tcrelease"), "tcenvsvr/cmd/tcrelease"},
		{filepath.Join(b.Dir, "tcrelease"), "package", "--unsigned", "--linux-only", "--only", "rpm", "--arch", runtime.GOARCH, "--out", dir},
	} {
		if out, err := exec.CommandContext(b.ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("building the package: %w: %s", err, out)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
	if err == nil && len(files) != 1 {
		err = fmt.Errorf("building the package: there are %d", len(files))
	}
	if err != nil {
		return "", err
	}
	return files[0], nil
}

// dial connects to the cloud, whose network is not ours.
func (m *lab) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var conn net.Conn
	dialed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends, and its network with it
		f, err := os.Open(m.CloudNamespace())
		if err == nil {
			defer f.Close()
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			conn, err = new(net.Dialer).DialContext(ctx, "tcp4", host.CloudAddress+":443")
		}
		dialed <- err
	}()
	return conn, <-dialed
}

const trivialPython = "/usr/local/bin/python3.11"

func (m *lab) cloud() *stage.Cloud { return m.c }
func (m *lab) api() *admin         { return m.admin }

func (m *lab) python() (real, trivial string) { return "/usr/bin/python3", trivialPython }

// start enrols the machine anew, so that nothing is left of the server before.
func (m *lab) start(settings map[string]string) (*server, error) {
	m.servers++
	name := fmt.Sprint("machine", m.servers)
	bundle := filepath.Join(m.Share, "bundles", name+".zip")
	if _, err := m.c.Do(m.b.ctx, "bundle", environment, "--name", name, "-o", bundle); err != nil {
		return nil, err
	}
	if err := os.Chmod(bundle, 0o644); err != nil {
		return nil, err
	}
	var env strings.Builder
	for name, value := range with(settings, "logLevel", "warn") {
		fmt.Fprintf(&env, "TCENVSVR_%s=%s\n", strings.ToUpper(name), value)
	}
	dropIn := "/etc/systemd/system/" + unit + ".d/hardened.conf"
	if settings["appsRunner"] == "socket" {
		m.Run("systemctl", "start", "tc-job.socket")
		m.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", dropIn)
	} else {
		m.Run("systemctl", "stop", "tc-job.socket")
		m.Run("rm", "-f", dropIn)
	}
	m.Run("systemctl", "stop", unit)
	m.Run("find", agentHome+"/.tcenvsvr", "-mindepth", "1", "-delete")
	m.Run("tcenvsvr", "host", "apply") // makes its folders anew
	m.Run("sudo", "-u", "threatconnect", "tcenvsvr", "enroll", "/share/bundles/"+name+".zip", "--yes", "--master-key-file", masterKey)
	m.Write("/etc/"+product+"/environment", env.String(), 0o644)
	m.Run("systemctl", "daemon-reload")
	m.Run("systemctl", "reset-failed") // one start after the other is what we want
	m.Run("systemctl", "start", unit)
	pid, err := m.seenFromHere(strings.TrimSpace(m.Run("systemctl", "show", "-P", "MainPID", unit)))
	if err != nil {
		return nil, err
	}
	srv := &server{
		pid:    pid,
		used:   func() (agent, jobs time.Duration) { return m.used(pid) },
		beside: func() []int { return m.processesOf("tc-job") },
		stop:   func() { m.Run("systemctl", "stop", unit) },
	}
	srv.status = func(into any) error {
		text, err := m.Try("tcenvsvr", "status", "--json")
		if err == nil {
			err = json.Unmarshal([]byte(text), into)
		}
		return err
	}
	return srv, stage.Eventually(m.b.ctx, func() error {
		var s stage.Status
		err := srv.status(&s)
		if err == nil && !s.Link.Connected {
			err = fmt.Errorf("not connected: %+v", s.Link.Failure)
		}
		return err
	})
}

// seenFromHere translates a process's number.
func (m *lab) seenFromHere(inside string) (int, error) {
	for _, pid := range m.pids() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "NSpid:" && fields[2] == inside {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("process %s of the machine is not to be found", inside)
}

// pids are all processes of the machine.
func (m *lab) pids() []int {
	var all []int
	_ = filepath.WalkDir(m.Group(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return nil //nolint:nilerr // the group has ended
		}
		text, _ := os.ReadFile(path)
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
		return nil
	})
	return all
}

func (m *lab) processesOf(user string) []int {
	id, err := strconv.Atoi(strings.TrimSpace(m.Run("id", "-u", user)))
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(m.pids(), func(pid int) bool {
		var st unix.Stat_t
		return unix.Stat(fmt.Sprintf("/proc/%d", pid), &st) != nil || int(st.Uid) != id
	})
}

// used is what the kernel counts for the machine as a whole: systemd starts the shims that the
// agent asks for by the socket.
func (m *lab) used(agent int) (own, jobs time.Duration) {
	own, _ = cpu(agent)
	text, _ := os.ReadFile(filepath.Join(m.Group(), "cpu.stat"))
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, "usage_usec "); is {
			all, _ := strconv.Atoi(strings.TrimSpace(value))
			jobs = time.Duration(all)*time.Microsecond - own
		}
	}
	return own, jobs
}
