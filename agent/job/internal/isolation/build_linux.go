package isolation

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// starter calls fork, perhaps after it has changed the attributes that fork uses: a control group.
type starter = func(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error)

// Init is the first process of a world to come. It is in its namespaces, and waits to be told what to build and to
// start there: it can be made before that is known, because making it takes as long as building the world.
type Init struct {
	Level Level
	PID   int // as who has made it sees it
	conn  *net.UnixConn
	birth *birth
	steps *steps
}

// Bear makes the init of a world of that level. The thread in which start forks is its parent: the init is killed
// when that thread ends.
func Bear(level Level, start starter) (*Init, error) { return bear(level, true, start) }

// bearing is held from the making of an init's memory until no other init gets it, which a copy of this process would.
var bearing sync.Mutex

// bear makes an init, which is bound to the thread that forks it, or to none.
func bear(level Level, bound bool, start starter) (_ *Init, err error) {
	bearing.Lock()
	defer bearing.Unlock()
	spareHeap() // before there is memory for the init
	fail := func(err error) (*Init, error) { return nil, fmt.Errorf("starting the init of an App's world: %w", err) }
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(pair[1])
	i := &Init{Level: level, steps: &steps{}}
	if i.conn, err = Conn(pair[0]); err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			i.Close()
		}
	}()
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(null)
	if i.steps.memory, err = newMemory(); err != nil {
		return fail(err)
	}
	b, err := newBirth(i.steps, namespaces(level), bound)
	if err != nil {
		return fail(err)
	}
	i.birth, b.moves = b, [2][2]uintptr{{uintptr(null), 0}, {uintptr(pair[1]), initConn}}
	attr := &syscall.SysProcAttr{}
	i.PID, err = start(attr, func() (int, error) {
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
		return fail(err)
	}
	i.steps.memory.spare() // the next inits have their own
	return i, nil
}

// Build has the init build the world for s, whose outputs go to stdout and stderr. It does not wait for that:
// [World.Execute] does. limits are rlimits of the App, by their numbers. After an error the init is to be discarded.
func (i *Init) Build(s *Start, limits map[int]uint64, stdout, stderr *os.File) (*World, error) {
	return i.build(&s.Plan, []*os.File{stdout, stderr}, func(uint32) { i.birth.runs(i.steps, s, limits) })
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
// then has to say how it ended ([World.Ended]); what the init says of the end is as with [Init.Build]. The init
// depends on no thread of that process but ends with its PID namespace. After an error it ends as well.
func BuildForked(p *Plan, f Fork, start starter) (*World, error) {
	i, err := bear(p.Level, false, start)
	if err != nil {
		return nil, err
	}
	w, err := i.build(p, []*os.File{f.Stdout, f.Stderr, f.Server, f.Fork, f.Shim}, func(flags uint32) { i.birth.asks(i.steps, flags) })
	if err != nil {
		i.Close()
		return nil, err
	}
	w.steps.memory.release() // what the steps are called is kept, for their errors
	return w, nil
}

// build has the init build the world of the plan, with the files, from initStdout on. more adds what comes after.
func (i *Init) build(p *Plan, files []*os.File, more func(rulesetFlags uint32)) (*World, error) {
	ruleset, flags, err := rules(p)
	if err != nil {
		return nil, err
	}
	fds, rulesIn := []int{ruleset}, uintptr(initRules)
	if ruleset >= 0 {
		defer unix.Close(ruleset)
	} else {
		fds, rulesIn = []int{int(files[0].Fd())}, 0 // its place must not be empty
	}
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	if err := i.steps.enter(p, rulesIn, uintptr(flags)); err != nil {
		return nil, err
	}
	more(flags)
	i.birth.steps, i.birth.gets = place(i.steps, i.steps.list), len(fds)
	if i.steps.err != nil {
		return nil, i.steps.err
	}
	_ = unix.Kill(i.PID, unix.SIGCONT) // another process of its user may have stopped it
	_ = i.conn.SetWriteDeadline(time.Now().Add(startTimeout))
	if _, _, err := i.conn.WriteMsgUnix([]byte(build), unix.UnixRights(fds...), nil); err != nil {
		return nil, fmt.Errorf("telling the init what to build: %w", err)
	}
	w := Joined(p.Level, i.conn)
	w.PID, w.steps = i.PID, i.steps
	return w, nil
}

// Waits reports whether the init is there: others of its user may have ended it.
func (i *Init) Waits() bool {
	raw, err := i.conn.SyscallConn()
	if err != nil {
		return false
	}
	waits := false
	err = raw.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		waits = n == 0 && err == nil
	})
	return waits && err == nil
}

// Close lets go of an init that was told nothing, or not to the end: it ends by that.
func (i *Init) Close() {
	_ = i.conn.Close()
	if i.steps.memory != nil {
		i.steps.memory.release()
	}
}

// Discard is [Init.Close] and returns when the init, a child of this process, has ended. A nil Init is none.
func (i *Init) Discard() {
	if i == nil {
		return
	}
	i.Close()
	_ = unix.Kill(i.PID, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(i.PID, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// Stacks of an init and of its App until it is executed, in bytes, and of what they keep by thread.
const (
	stackSize = 16 << 10
	tlsSize   = 64
)

// newBirth makes what an init is born by, with its stacks.
func newBirth(s *steps, namespaces uintptr, bound bool) (*birth, error) {
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
	b.told.set(address(b.word[:]), 1, uintptr(unsafe.Pointer(&b.rights)), unsafe.Sizeof(b.rights))
	first := steps{}
	if bound {
		first.add("", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
	}
	first.add("", unix.SYS_SETSID)
	first.add("", unix.SYS_CHDIR, s.text("/"))
	b.begin = place(s, first.list)
	return b, s.err
}

// runs adds what the App is.
func (b *birth) runs(s *steps, start *Start, rlimits map[int]uint64) {
	limits := steps{}
	for resource, n := range rlimits {
		limits.add("", unix.SYS_PRLIMIT64, 0, uintptr(resource), put(s, unix.Rlimit{Cur: n, Max: n}), 0)
	}
	b.limits = place(s, limits.list)
	b.path, b.argv, b.env, b.dir = s.text(start.Argv[0]), s.texts(start.Argv), s.texts(start.Env), s.text(start.Dir)
}

// asks adds how a template is asked for a fork, which joins the namespaces of the init, and how that is heard.
func (b *birth) asks(s *steps, rulesetFlags uint32) {
	b.forked = true
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

// forget gives back the memory that the init has, too, with the App's environment in it.
func (w *World) forget() {
	if w.steps != nil {
		w.steps.memory.release()
		w.steps = nil
	}
}
