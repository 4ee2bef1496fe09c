package isolation

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Build makes an init that builds the world for s, whose outputs go to stdout and stderr. It does
// not wait for that: [World.Execute] does. limits are rlimits of the App, by their numbers. start
// calls fork, perhaps after it has changed the attributes that fork uses: a control group. The
// calling thread is the init's parent: the init is killed when that thread ends.
func Build(s *Start, limits map[int]uint64, stdout, stderr *os.File, start func(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error)) (_ *World, err error) {
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
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("making a pipe for the init: %w", err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	ruleset, flags, err := rules(&s.Plan)
	if err != nil {
		return nil, err
	}
	if ruleset >= 0 {
		defer unix.Close(ruleset)
	}
	w := &World{Level: s.Plan.Level, Pidfd: -1, conn: conn, lines: bufio.NewReaderSize(conn, 256), steps: &steps{}}
	b := &birth{all: ^uint64(0), clone: cloneArgs{flags: uint64(namespaces(s.Plan.Level)), exitSignal: uint64(sigchld)}}
	w.birth = b
	b.moves = [7][2]uintptr{
		{uintptr(null), 0}, {uintptr(pair[1]), initConn}, {stdout.Fd(), initStdout}, {stderr.Fd(), initStderr},
		{uintptr(ruleset), initRules}, {uintptr(pipe[0]), initRead}, {uintptr(pipe[1]), initWrite},
	}
	rulesFD := uintptr(initRules)
	if ruleset < 0 {
		rulesFD, b.moves[4] = 0, [2]uintptr{uintptr(null), initRules}
	}
	if err := w.steps.enter(&s.Plan, rulesFD, uintptr(flags)); err != nil {
		return nil, err
	}
	b.steps = w.steps.list
	b.more(w.steps, s, limits)
	runtime.LockOSThread() // for good: the parent-death signal comes when the thread ends that forked
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
	runtime.KeepAlive(w.steps)
	if err != nil {
		return nil, fmt.Errorf("starting the init of an App's world: %w", err)
	}
	return w, nil
}

// more adds what is not of the world.
func (b *birth) more(texts *steps, s *Start, rlimits map[int]uint64) {
	own := steps{}
	own.add("", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	own.add("", unix.SYS_SETSID)
	own.add("", unix.SYS_CHDIR, texts.text("/"))
	b.begin = own.list
	limits := steps{}
	for resource, n := range rlimits {
		limit := &unix.Rlimit{Cur: n, Max: n}
		texts.held = append(texts.held, limit)
		limits.add("", unix.SYS_PRLIMIT64, 0, uintptr(resource), uintptr(unsafe.Pointer(limit)), 0)
	}
	b.limits = limits.list
	b.path, b.argv, b.env, b.dir = texts.text(s.Argv[0]), texts.texts(s.Argv), texts.texts(s.Env), texts.text(s.Dir)
}

// texts is the address of a list of texts as the kernel reads it.
func (s *steps) texts(list []string) uintptr {
	addresses := make([]uintptr, len(list)+1)
	for i, t := range list {
		addresses[i] = s.text(t)
	}
	s.held = append(s.held, addresses)
	return uintptr(unsafe.Pointer(&addresses[0]))
}

// forget overwrites the App's environment, which the steps hold.
func (w *World) forget() {
	if w.steps == nil {
		return
	}
	for _, held := range w.steps.held {
		if text, ok := held.([]byte); ok {
			clear(text)
		}
	}
	w.steps, w.birth = nil, nil
}
