package isolation

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// starter calls fork, perhaps after it has changed the attributes that fork uses: a control group.
type starter = func(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error)

// Build makes an init that builds the world for s, whose outputs go to stdout and stderr. It does
// not wait for that: [World.Execute] does. limits are rlimits of the App, by their numbers. The thread in which
// start forks is the init's parent: the init is killed when that thread ends.
func Build(s *Start, limits map[int]uint64, stdout, stderr *os.File, start starter) (*World, error) {
	more := func(b *birth, to *steps, _ uint32) { b.more(to, s, limits) }
	return build(&s.Plan, live, []*os.File{stdout, stderr}, more, start)
}

// Fork is what a template's fork makes an App of, in the world of an init (package warm).
type Fork struct {
	Server         *os.File // the socket of the template's fork server
	Stdout, Stderr *os.File
	// Fork and Shim are the ends of the socket by which the fork says that it is there, and is told what to run.
	// That of the shim's, which the init listens at, has SO_PASSCRED.
	Fork, Shim *os.File
}

// BuildForked makes an init that builds the world of the plan and has a template fork the App there: its first
// event ([World.Next]) says whether that is so. The App becomes a child of the process that calls this, which
// then has to say how it ended ([World.Ended]); what the init says of the end is as with [Build]. The init
// depends on no thread of that process but ends with its PID namespace.
func BuildForked(p *Plan, f Fork, start starter) (*World, error) {
	w, err := build(p, liveForked, []*os.File{f.Stdout, f.Stderr, f.Server, f.Fork, f.Shim}, (*birth).asks, start)
	if err == nil {
		w.steps.memory.release() // what the steps are called is kept, for their errors
	}
	return w, err
}

// build makes an init with that life, which gets the files, from initStdout on. more adds what is not of the world.
func build(p *Plan, life func(*birth), files []*os.File, more func(b *birth, s *steps, rulesetFlags uint32), start starter) (_ *World, err error) {
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
	w := Joined(p.Level, conn)
	w.steps = &steps{memory: &memory{}}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the App's stdin: %w", err)
	}
	defer unix.Close(null)
	ruleset, flags, err := rules(p)
	if err != nil {
		return nil, err
	}
	rulesFD, rulesIn := ruleset, uintptr(initRules)
	if ruleset >= 0 {
		defer unix.Close(ruleset)
	} else {
		rulesFD, rulesIn = null, 0
	}
	b, err := newBirth(w.steps, namespaces(p.Level), life)
	if err != nil {
		return nil, err
	}
	moves := [][2]uintptr{{uintptr(null), 0}, {uintptr(pair[1]), initConn}, {uintptr(rulesFD), initRules}}
	for i, f := range files {
		moves = append(moves, [2]uintptr{f.Fd(), initStdout + uintptr(i)})
	}
	b.moves = place(w.steps, moves)
	if err := w.steps.enter(p, rulesIn, uintptr(flags)); err != nil {
		return nil, err
	}
	more(b, w.steps, flags)
	b.steps = place(w.steps, w.steps.list)
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
func newBirth(s *steps, namespaces uintptr, life func(*birth)) (*birth, error) {
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
	b.lives, b.becomes = entry(life), entry(become)
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

// asks adds how a template is asked for a fork, which joins the namespaces of the init, and how that is heard.
func (b *birth) asks(s *steps, rulesetFlags uint32) {
	own := steps{}
	own.add("", unix.SYS_SETSID)
	own.add("", unix.SYS_CHDIR, s.text("/"))
	b.begin = place(s, own.list)
	var fds []int
	for i, kind := range []string{"user", "mnt", "ipc", "pid"} {
		s.open("opening its namespaces for the template", "/proc/self/ns/"+kind, unix.O_RDONLY, initNamespaces+uintptr(i))
		fds = append(fds, initNamespaces+i)
	}
	fds = append(fds, 0, initStdout, initStderr, initFork, initRules)
	words, rights := fmt.Sprintf("f%d", rulesetFlags), place(s, unix.UnixRights(fds...))
	b.ask.set(s.text(words), len(words), address(rights), uintptr(len(rights)))
	s.add("asking the template to fork", unix.SYS_SENDMSG, initServer, uintptr(unsafe.Pointer(&b.ask)), unix.MSG_NOSIGNAL)
	s.close(initFork) // whoever listens for the fork learns that it has ended
	const forked = "{\"forked\":true}\n"
	b.app = control{length: unix.SizeofCmsghdr + 4, level: unix.SOL_SOCKET, kind: unix.SCM_RIGHTS}
	b.found.set(s.text(forked), len(forked), uintptr(unsafe.Pointer(&b.app)), uintptr(unix.CmsgSpace(4)))
	b.hear.set(uintptr(unsafe.Pointer(&b.word)), 1, uintptr(unsafe.Pointer(&b.sender)), unsafe.Sizeof(b.sender))
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
