package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/proc"
)

// controllers are those that are used, where they were delegated.
var controllers = []string{"memory", "pids", "cpu"}

// removeTimeout bounds the wait for processes that were killed to be gone.
const removeTimeout = 2 * time.Second

// Group is the control group of one App. A nil Group is none: it limits and ends nothing.
type Group struct {
	mount string // of the file system
	dir   string
	home  string      // the group of this process
	has   []string    // controllers
	fd    *os.File    // of dir
	set   Limits      // that hold
	whole bool        // memory.oom.group is set
	moves atomic.Bool // the kernel makes no process in it
}

// New makes a group for an App, as described for this package. This process may be in another group
// after that. An error says why there can be none.
func New() (*Group, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("looking for control groups: %w", err)
	}
	mount := mounted(mounts)
	own, err := ownPath()
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking for control groups: %w", err)
	case mount == "" || own == "":
		return nil, errors.New("this host has no control groups of version 2")
	}
	site, home, err := settle(filepath.Join(mount, own))
	if err != nil {
		return nil, err
	}
	g, err := within(site)
	if err != nil {
		return nil, err
	}
	g.mount, g.home = mount, home
	return g, nil
}

// settle finds the folder in which groups of Apps can be made, and has this process leave it.
func settle(own string) (site, home string, err error) {
	if delegated(own) && alone(own) {
		home = filepath.Join(own, proc.ShimGroup)
		if err := os.Mkdir(home, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", "", fmt.Errorf("making a control group for the shim: %w", err)
		}
		if err := join(home, os.Getpid()); err != nil {
			_ = os.Remove(home)
			return "", "", fmt.Errorf("moving the shim into a control group: %w", err)
		}
		return own, home, nil
	}
	if site := filepath.Dir(own); delegated(site) {
		return site, own, nil
	}
	return "", "", fmt.Errorf("control group %q is not delegated to user %d", own, os.Geteuid())
}

// within makes an App's group in a folder without processes, with all controllers that there are.
func within(site string) (*Group, error) {
	for _, c := range words(filepath.Join(site, "cgroup.controllers")) {
		if slices.Contains(controllers, c) { // one by one: one that is refused must not spoil the others
			_ = write(site, "cgroup.subtree_control", "+"+c)
		}
	}
	prune(site)
	self, err := proc.Of(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("identifying the shim: %w", err)
	}
	own := fmt.Sprintf("%s%d-%d", proc.JobGroup, self.PID, self.Start)
	g := &Group{dir: filepath.Join(site, own)}
	err = os.Mkdir(g.dir, 0o755)
	for n := 1; errors.Is(err, fs.ErrExist) && n <= mostKept; n++ { // of a job before, which the kernel does not let go
		g.dir = filepath.Join(site, fmt.Sprintf("%s-%d", own, n))
		err = os.Mkdir(g.dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMaking, err)
	}
	if g.fd, err = os.Open(g.dir); err != nil {
		_ = os.Remove(g.dir)
		return nil, fmt.Errorf("%w: %w", errMaking, err)
	}
	for _, c := range words(filepath.Join(g.dir, "cgroup.controllers")) {
		if slices.Contains(controllers, c) {
			g.has = append(g.has, c)
		}
	}
	return g, nil
}

// mostKept is how many groups of one shim may be there that could not be removed.
const mostKept = 16

var errMaking = errors.New("making a control group for the App")

// Lasts reports whether an error of [New] will be the same at the next call: there can be no groups here.
func Lasts(err error) bool { return err != nil && !errors.Is(err, errMaking) }

// prune ends and removes groups whose shims have ended.
func prune(site string) {
	entries, _ := os.ReadDir(site)
	for _, e := range entries {
		pid, start, ok := maker(e.Name())
		if !ok || proc.Alive(proc.ID{PID: pid, Start: start}) {
			continue
		}
		dir := filepath.Join(site, e.Name())
		_ = write(dir, "cgroup.kill", "1")
		_ = os.Remove(dir) // or the next shim does it
	}
}

// maker is the shim that made the group of this name.
func maker(name string) (pid int, start uint64, ok bool) {
	rest, ours := strings.CutPrefix(name, proc.JobGroup)
	a, b, two := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(a)
	b, _, _ = strings.Cut(b, "-")
	start, err2 := strconv.ParseUint(b, 10, 64)
	return pid, start, ours && two && err == nil && err2 == nil
}

// Set bounds what is in the group, or will be. What was set before and is not any more has no bound.
func (g *Group) Set(l Limits) error {
	if g == nil {
		return nil
	}
	was := g.set
	if g.Limits("memory") {
		if !g.whole { // the App is ended as a whole: a part of it would wait for the other for ever
			g.whole = write(g.dir, "memory.oom.group", "1") == nil
		}
		if l.Memory != was.Memory {
			if err := write(g.dir, "memory.max", bound(l.Memory)); err != nil {
				return fmt.Errorf("limiting the App's memory: %w", err)
			}
			swap := "0"
			if l.Memory == 0 {
				swap = "max"
			}
			_ = write(g.dir, "memory.swap.max", swap) // not there on kernels without swap
		}
	}
	if g.Limits("pids") && l.Tasks != was.Tasks {
		if err := write(g.dir, "pids.max", bound(l.Tasks)); err != nil {
			return fmt.Errorf("limiting the App's processes: %w", err)
		}
	}
	if g.Limits("cpu") && l.CPUWeight != was.CPUWeight {
		if err := write(g.dir, "cpu.weight", strconv.FormatUint(cmp.Or(l.CPUWeight, usualWeight), 10)); err != nil {
			return fmt.Errorf("weighting the App's share of the CPU: %w", err)
		}
	}
	g.set = l
	return nil
}

const usualWeight = 100

// bound is a limit as the kernel reads it.
func bound(n uint64) string {
	if n == 0 {
		return "max"
	}
	return strconv.FormatUint(n, 10)
}

// mostCharged is how much memory of an App that has ended may be counted in a group that another App gets:
// of files that it read, which the kernel gives up first.
const mostCharged = 8 << 20

// Again reports whether another App may have the group, as if it were new: nothing is in it but these processes, it
// has not been short of memory, and next to none is counted. Making a group and removing it takes as long as all
// else that is done for a small App. The App before must not have been able to write to the group.
func (g *Group) Again(but []int) bool {
	if g == nil || g.fd == nil || g.home == "" {
		return false
	}
	if n, known := counted(filepath.Join(g.dir, "cgroup.events"), "populated"); n != 0 && !g.only(but) || !known {
		return false
	}
	if !g.Limits("memory") {
		return true
	}
	kills, known := counted(filepath.Join(g.dir, "memory.events"), "oom_kill")
	charged := words(filepath.Join(g.dir, "memory.current"))
	if !known || kills != 0 || len(charged) != 1 {
		return false
	}
	n, err := strconv.ParseUint(charged[0], 10, 64)
	return err == nil && n <= mostCharged
}

// only reports whether no others are in the group, nor groups below it.
func (g *Group) only(these []int) bool {
	data, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		return false
	}
	for field := range strings.FieldsSeq(string(data)) {
		if pid, err := strconv.Atoi(field); err != nil || !slices.Contains(these, pid) {
			return false
		}
	}
	entries, err := os.ReadDir(g.dir)
	return err == nil && !slices.ContainsFunc(entries, fs.DirEntry.IsDir)
}

// Controllers are what the group can limit: some of memory, pids and cpu.
func (g *Group) Controllers() []string {
	if g == nil {
		return nil
	}
	return g.has
}

// Limits reports whether the group has the controller.
func (g *Group) Limits(controller string) bool { return g != nil && slices.Contains(g.has, controller) }

// Mount is where the file system of control groups is mounted, "" of a nil Group.
func (g *Group) Mount() string {
	if g == nil {
		return ""
	}
	return g.mount
}

// Start has fork, which uses attr, start a process in the group: the kernel makes it there. On
// kernels that cannot (before 5.7, or a filter of system calls), this process is in the group while
// it forks.
func (g *Group) Start(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error) {
	if g == nil {
		return fork()
	}
	pid, there, err := g.forkIn(attr, fork)
	if there || err != nil {
		return pid, err
	}
	if err := join(g.dir, os.Getpid()); err != nil {
		return 0, fmt.Errorf("entering the control group of the App: %w", err)
	}
	pid, err = fork()
	return pid, errors.Join(err, join(g.home, os.Getpid()))
}

// Fork is [Group.Start] for a process that waits to be told what to do: where the kernel makes none in a group, it is
// not there, and to be moved.
func (g *Group) Fork(attr *syscall.SysProcAttr, fork func() (int, error)) (pid int, there bool, err error) {
	if g != nil {
		if pid, there, err = g.forkIn(attr, fork); there || err != nil {
			return pid, there, err
		}
	}
	pid, err = fork()
	return pid, g == nil, err
}

// forkIn has fork start a process in the group, if the kernel makes any there.
func (g *Group) forkIn(attr *syscall.SysProcAttr, fork func() (int, error)) (pid int, there bool, err error) {
	if g.moves.Load() {
		return 0, false, nil
	}
	attr.UseCgroupFD, attr.CgroupFD = true, int(g.fd.Fd())
	pid, err = fork()
	attr.UseCgroupFD = false
	if err != nil && refusal(err) {
		g.moves.Store(true)
		return 0, false, nil
	}
	return pid, true, err
}

// Moves reports whether the kernel makes no process in the group, as far as that was tried.
func (g *Group) Moves() bool { return g != nil && g.moves.Load() }

// Move puts a process into the group. The kernel allows that below a group of this user's only: not
// from the service of one shim to that of another.
func (g *Group) Move(pid int) error {
	if g == nil {
		return nil
	}
	return join(g.dir, pid)
}

// Beside makes a group for a process that another shim's App has forked, beside that App's, from
// which it will be moved. (The shim itself cannot be asked where it is: a service with
// ProtectProc=invisible sees no process that is not "dumpable".)
func Beside(pid int) (*Group, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("looking for control groups: %w", err)
	}
	mount := mounted(mounts)
	path, err := pathOf(strconv.Itoa(pid))
	if err != nil {
		return nil, fmt.Errorf("looking for the template's control group: %w", err)
	}
	site := filepath.Dir(filepath.Join(mount, path))
	if mount == "" || path == "" || !delegated(site) {
		return nil, fmt.Errorf("control group %q is not delegated to user %d", site, os.Geteuid())
	}
	g, err := within(site)
	if err != nil {
		return nil, err
	}
	g.mount = mount
	return g, nil
}

// refusal reports errors by which a kernel may refuse to make a process in a group.
func refusal(err error) bool {
	return slices.ContainsFunc([]error{unix.ENOSYS, unix.E2BIG, unix.EINVAL, unix.EPERM, unix.EACCES, unix.EBUSY, unix.EOPNOTSUPP},
		func(e error) bool { return errors.Is(err, e) })
}

// Kill ends all that is in the group, also what is being forked.
func (g *Group) Kill() {
	if g == nil || write(g.dir, "cgroup.kill", "1") == nil {
		return
	}
	for range 100 { // before 5.14
		pids := words(filepath.Join(g.dir, "cgroup.procs"))
		for _, p := range pids {
			if pid, err := strconv.Atoi(p); err == nil && pid > 1 && pid != os.Getpid() {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		if len(pids) == 0 {
			return
		}
	}
}

// OOMKills is how many processes of the group the kernel ended because memory was short, in the
// group or on the host.
func (g *Group) OOMKills() uint64 {
	if g == nil {
		return 0
	}
	return counter(filepath.Join(g.dir, "memory.events"), "oom_kill")
}

// Close ends what is in the group and removes it.
func (g *Group) Close() {
	if g == nil || g.fd == nil {
		return
	}
	_ = g.fd.Close()
	g.fd = nil
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		err := os.Remove(g.dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) || time.Since(begun) > removeTimeout {
			return
		}
		g.Kill()
	}
}

// HostOOMKills is how many processes the kernel has ended because memory was short, in whatever
// group, since the host was started.
func HostOOMKills() uint64 { return counter("/proc/vmstat", "oom_kill") }

// counter is the number after a word at the beginning of a line, 0 if it is not known.
func counter(file, name string) uint64 {
	n, _ := counted(file, name)
	return n
}

func counted(file, name string) (n uint64, known bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && key == name {
			n, err := strconv.ParseUint(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// mounted is where the whole hierarchy of version 2 is mounted, by the kernel's list of mounts.
func mounted(mountinfo []byte) string {
	for line := range strings.Lines(string(mountinfo)) {
		mount, kind, _ := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if strings.HasPrefix(kind, "cgroup2 ") && len(fields) > 4 && fields[3] == "/" && !strings.Contains(fields[4], `\`) {
			return fields[4]
		}
	}
	return ""
}

// ownPath is the group of this process in the hierarchy of version 2, "" if there is none.
func ownPath() (string, error) { return pathOf("self") }

func pathOf(process string) (string, error) {
	data, err := os.ReadFile("/proc/" + process + "/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok && !strings.Contains(path, "..") {
			return path, nil
		}
	}
	return "", nil
}

// delegated reports whether this user may make groups in dir and nobody else does. The system's
// systemd gives a user only what it delegates. Root, and a user's own systemd, own the groups that
// they did not delegate, too: there the mark that systemd sets decides.
func delegated(dir string) bool {
	if name := filepath.Base(dir); !strings.HasSuffix(name, ".service") && !strings.HasSuffix(name, ".scope") {
		return false
	}
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) != os.Geteuid() || unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK) != nil {
		return false
	}
	return os.Geteuid() != 0 && !strings.Contains(dir, "/user@") || marked(dir, "user.delegate") || marked(dir, "trusted.delegate")
}

func marked(dir, attr string) bool {
	var value [8]byte
	n, err := unix.Getxattr(dir, attr, value[:])
	return err == nil && string(value[:n]) == "1"
}

// alone reports whether no other process is in the group.
func alone(dir string) bool {
	procs := words(filepath.Join(dir, "cgroup.procs"))
	return len(procs) == 1 && procs[0] == strconv.Itoa(os.Getpid())
}

func join(dir string, pid int) error { return write(dir, "cgroup.procs", strconv.Itoa(pid)) }

func words(file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

func write(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
