package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// ailment is what can be wrong with a host for a while.
type ailment struct {
	name string
	code string // that everybody is told
	hurt func()
	cure func()
}

// TestUnfitHost makes a host unable to run Apps in one way after the other: orders that come then
// are given back, not failed; agent and cloud say why; and when the cause is gone the orders run,
// each once, without a hand.
func TestUnfitHost(t *testing.T) {
	user := need.OtherUser(t)
	need.Tool(t, "sudo")
	need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3") // one that other users may run
	d := disk.New(t, disk.Inodes(4096))
	s := newScene(t)
	must := func(err error) { s.must(err, "preparing the agent's disk") }
	must(os.Mkdir(filepath.Join(d.Dir, "one"), 0o755))
	must(os.Symlink(filepath.Join(d.Dir, "one"), filepath.Join(s.Dir, "one")))
	c := s.cloud("lab")
	s.add(c, "sleep")
	flags := []string{"--appsSandboxUser", user.Username, "--appsPythonHome311", "/usr/bin/python3"}
	a := s.agent(c, "lab", "one", flags...)
	s.openMark("warm")
	id, err := s.sleeper(c, "lab", "warm", 0)
	s.must(err, "giving an order")
	s.ranOnce(c, id, "warm")

	stop := func() {}
	defer func() { stop() }()
	var crowd []*exec.Cmd
	defer func() { endProcesses(crowd) }()
	for _, x := range []ailment{
		{"no inodes", "host.no_space", d.FillInodes, d.Free},
		{"no bytes", "host.no_space", func() { d.Fill(0) }, d.Free},
		{"frozen", "host.stuck", d.Freeze, func() {
			if long() {
				time.Sleep(30 * time.Second)
			}
			d.Thaw()
		}},
		{"no descriptors", "host.no_files", func() { s.limit(a, unix.RLIMIT_NOFILE, s.descriptors(a)+1) }, func() { s.limit(a, unix.RLIMIT_NOFILE, 4096) }},
		{"no processes", "", func() {
			crowd = s.fillProcesses(user.Uid, user.Gid, 40)
			s.limit(a, unix.RLIMIT_NPROC, 20)
			endChildren(a.PID()) // shims that wait would take orders for minutes
		}, func() { s.limit(a, unix.RLIMIT_NPROC, 4096); endProcesses(crowd) }},
		{"syncs fail", "host.io", func() { stop = s.inject(a.Process, "fsync,fdatasync:error=EIO") }, func() { stop() }},
		{"read-only", "host.read_only", d.ReadOnly, d.Writable},
	} {
		t.Run(x.name, func(t *testing.T) { s.unfitThenCured(t, c, a, x) })
		if t.Failed() {
			return
		}
	}
	s.waitIdle(a)
}

// endChildren kills all that a process has started.
func endChildren(pid int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		children, _ := os.ReadFile(file)
		for field := range strings.FieldsSeq(string(children)) {
			if child, err := strconv.Atoi(field); err == nil {
				endChildren(child)
				_ = syscall.Kill(child, syscall.SIGKILL)
			}
		}
	}
}

// unfitThenCured gives orders to a host that cannot run Apps, and then cures the host.
func (s *scene) unfitThenCured(t *testing.T, c *stage.Cloud, a *stage.Agent, x ailment) {
	ids := map[string]string{}
	give := func() {
		for range 3 {
			mark := fmt.Sprint(strings.ReplaceAll(x.name, " ", "-"), "-", len(ids))
			s.openMark(mark)
			id, err := s.sleeper(c, "lab", mark, 0)
			s.must(err, "giving an order")
			ids[mark] = id
		}
	}
	x.hurt()
	hurt := time.Now()
	give()
	s.eventually("waiting for the agent to say it", func() error {
		st, err := a.Status(s.ctx)
		switch {
		case err != nil:
			return err
		case st.Unfit != nil && strings.HasPrefix(st.Unfit.Code, x.code):
			return nil
		case st.Unfit == nil && s.allSucceeded(c, ids): // it had some left: files that it has closed since
			x.hurt()
			hurt = time.Now()
			give()
		}
		return fmt.Errorf("status says %+v, want %q", st.Unfit, x.code)
	})
	t.Logf("the agent says it after %s", time.Since(hurt).Round(time.Millisecond))
	s.eventually("waiting for the cloud to say it", func() error {
		text, err := c.Do(s.ctx, "server", "list")
		if err == nil && !strings.Contains(text, "takes no orders: "+x.code) {
			err = fmt.Errorf("it lists\n%s", text)
		}
		return err
	})
	t.Logf("the cloud says it after %s", time.Since(hurt).Round(time.Millisecond))
	if x.name != "frozen" { // of which the journal does not come back
		for mark, id := range ids {
			s.eventually("waiting for order "+mark+" to be in the queue again", func() error {
				var e execution
				if err := c.JSON(s.ctx, &e, "execution", "show", id); err != nil {
					return err
				}
				if e.State == wire.State(wire.Succeeded) { // a shim that waited already took it
					return nil
				}
				if e.Ended {
					t.Fatalf("order %s ended %s on a host that cannot run it: %s %s", mark, e.State, e.Error, e.Message)
				}
				if e.State != "queued" {
					return fmt.Errorf("it is %s", e.State)
				}
				return nil
			})
		}
	}
	x.cure()
	cured := time.Now()
	for mark, id := range ids {
		s.ranOnce(c, id, mark)
	}
	t.Logf("all orders have run %s after the cause was gone", time.Since(cured).Round(time.Millisecond))
	s.eventually("waiting for everybody to say that it is over", func() error {
		st, err := a.Status(s.ctx)
		if err == nil && st.Unfit != nil {
			err = fmt.Errorf("status says %+v", st.Unfit)
		}
		if err != nil {
			return err
		}
		text, err := c.Do(s.ctx, "server", "list")
		if err == nil && (strings.Contains(text, "takes no orders") || !strings.Contains(text, "connected")) {
			err = fmt.Errorf("the cloud lists\n%s", text)
		}
		return err
	})
}

func (s *scene) allSucceeded(c *stage.Cloud, ids map[string]string) bool {
	for _, id := range ids {
		var e execution
		if c.JSON(s.ctx, &e, "execution", "show", id) != nil || e.State != wire.State(wire.Succeeded) {
			return false
		}
	}
	return true
}

// inject makes system calls of a running process fail, as strace's option says, until stop is
// called.
func (s *scene) inject(p *stage.Process, faults string) (stop func()) {
	s.t.Helper()
	cmd := exec.Command(need.Tool(s.t, "strace"), "-f", "-qq", "-o", "/dev/null", "-e", "inject="+faults, "-p", strconv.Itoa(p.PID()))
	s.must(cmd.Start(), "attaching strace")
	s.eventually("waiting for strace to be attached", func() error {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
		if err == nil && strings.Contains(string(status), "TracerPid:\t0\n") {
			err = errors.New("nobody traces it")
		}
		return err
	})
	return sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt) // which lets go of all threads
		_ = cmd.Wait()
	})
}

// openMark lets every user mark a start.
func (s *scene) openMark(mark string) {
	s.t.Helper()
	s.must(os.WriteFile(s.markFile(mark), nil, 0o600), "making a file for marks")
	s.must(os.Chmod(s.markFile(mark), 0o666), "opening a file for marks") //nolint:gosec // that is its purpose
}

// long reports whether there is time for what takes half a minute; test/README.md.
func long() bool { return os.Getenv("TCENVSVR_LONG") == "1" }

func (s *scene) limit(a *stage.Agent, resource int, n uint64) {
	s.t.Helper()
	s.must(unix.Prlimit(a.PID(), resource, &unix.Rlimit{Cur: n, Max: max(n, 4096)}, nil), "limiting the agent")
}

// descriptors returns how many files the agent has open.
func (s *scene) descriptors(a *stage.Agent) uint64 {
	s.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.PID()))
	s.must(err, "counting open files")
	return uint64(len(open))
}

// fillProcesses starts processes of a user, which count against the user's limit.
func (s *scene) fillProcesses(uid, gid string, n int) (all []*exec.Cmd) {
	s.t.Helper()
	u, _ := strconv.ParseUint(uid, 10, 32)
	g, _ := strconv.ParseUint(gid, 10, 32)
	for range n {
		cmd := exec.Command("sleep", "3600")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u), Gid: uint32(g)}, Pdeathsig: syscall.SIGKILL}
		s.must(cmd.Start(), "making a crowd")
		all = append(all, cmd)
	}
	return all
}

func endProcesses(crowd []*exec.Cmd) {
	for _, cmd := range crowd {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
