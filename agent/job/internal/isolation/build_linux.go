package isolation

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Build makes an init that builds the world for s, whose outputs go to stdout and stderr. It does
// not wait for that: [World.Execute] does. limits are rlimits of the App, by their numbers. start
// calls fork, perhaps after it has changed the attributes that fork uses: a control group. The thread in which
// it does is the init's parent: the init is killed when that thread ends.
func Build(s *Start, limits map[int]uint64, stdout, stderr *os.File, start func(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error)) (_ *World, err error) {
	spareHeap() // before there is memory for the init
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket for the init: %w", err)
	}
	defer unix.Close(pair[1])
	conn, err := Conn(pair[0])
	if err != nil {
		return nil, fmt.Errorf("making a socket for the init: %w", err)
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the App's stdin: %w", err)
	}
	defer unix.Close(null)
	ruleset, flags, err := rules(&s.Plan)
	if err != nil {
		return nil, err
	}
	if ruleset >= 0 {
		defer unix.Close(ruleset)
	}
	w := &World{Level: s.Plan.Level, Pidfd: -1, conn: conn, lines: bufio.NewReaderSize(conn, 256), steps: &steps{memory: &memory{}}}
	defer func() {
		if err != nil {
			w.forget()
		}
	}()
	b, err := newBirth(w.steps, namespaces(s.Plan.Level))
	if err != nil {
		return nil, err
	}
	b.moves = [5][2]uintptr{
		{uintptr(null), 0}, {uintptr(pair[1]), initConn}, {stdout.Fd(), initStdout}, {stderr.Fd(), initStderr},
		{uintptr(ruleset), initRules},
	}
	rulesFD := uintptr(initRules)
	if ruleset < 0 {
		rulesFD, b.moves[4] = 0, [2]uintptr{uintptr(null), initRules}
	}
	if err := w.steps.enter(&s.Plan, rulesFD, uintptr(flags)); err != nil {
		return nil, err
	}
	b.steps = place(w.steps, w.steps.list)
	b.more(w.steps, s, limits)
	if w.steps.err != nil {
		return nil, w.steps.err
	}
	attr := &syscall.SysProcAttr{}
	w.PID, err = start(attr, func() (int, error) {
		b.clone.flags &^= unix.CLONE_INTO_CGROUP
		if b.argued = 0; attr.UseCgroupFD {
			b.clone.flags |= unix.CLONE_INTO_CGROUP
			b.clone.cgroup, b.argued = uint64(attr.CgroupFD), unsafe.Sizeof(b.clone)
		}
		pid, errno := b.run()
		if errno != 0 {
			return 0, errno
		}
		return int(pid), nil
	})
	if err != nil {
		return nil, fmt.Errorf("starting the init of an App's world: %w", err)
	}
	return w, nil
}

// Stacks of an init and of its App until it is executed, in bytes, and of what they keep by thread.
const (
	stackSize = 16 << 10
	tlsSize   = 64
)

// newBirth makes what an init is born by, with its stacks.
func newBirth(s *steps, namespaces uintptr) (*birth, error) {
	self, err := s.memory.bytes(int(unsafe.Sizeof(birth{})))
	if err != nil {
		return nil, err
	}
	stacks, err := s.memory.bytes(2*stackSize + tlsSize)
	if err != nil {
		return nil, err
	}
	const room = 64 // above a stack's end, for an argument
	own := uint64(address(stacks))
	b := (*birth)(unsafe.Pointer(&self[0]))
	b.lives, b.becomes = entry(live), entry(become)
	b.all, b.stack = ^uint64(0), uintptr(own)+2*stackSize-room
	b.clone = cloneArgs{
		flags: uint64(namespaces) | unix.CLONE_SETTLS, exitSignal: uint64(sigchld),
		stack: own, stackSize: stackSize - room, tls: own + 2*stackSize + tlsSize/2,
	}
	return b, nil
}

// more adds what is not of the world.
func (b *birth) more(s *steps, start *Start, rlimits map[int]uint64) {
	own := steps{}
	own.add("", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	own.add("", unix.SYS_SETSID)
	own.add("", unix.SYS_CHDIR, s.text("/"))
	b.begin = place(s, own.list)
	limits := steps{}
	for resource, n := range rlimits {
		limits.add("", unix.SYS_PRLIMIT64, 0, uintptr(resource), put(s, unix.Rlimit{Cur: n, Max: n}), 0)
	}
	b.limits = place(s, limits.list)
	b.path, b.argv, b.env, b.dir = s.text(start.Argv[0]), s.texts(start.Argv), s.texts(start.Env), s.text(start.Dir)
}

// texts is the address of a list of texts as the kernel reads it.
func (s *steps) texts(list []string) uintptr {
	addresses := make([]uintptr, len(list)+1)
	for i, t := range list {
		addresses[i] = s.text(t)
	}
	return address(place(s, addresses))
}

// forget gives back the memory that the init has a copy of by now, with the App's environment in it.
func (w *World) forget() {
	if w.steps != nil {
		w.steps.memory.release()
		w.steps = nil
	}
}
