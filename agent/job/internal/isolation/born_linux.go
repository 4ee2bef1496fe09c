package isolation

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// birth is all that an init needs. It is made before the init is, which is a copy of this process with one
// thread, without a Go runtime and without Go's heap: it may call the kernel and nothing else. The functions
// below that run in it allocate nothing, need no more stack than there is, and write no pointers. All that
// they touch lies in [memory]. The numbers of its descriptors are given.
type birth struct {
	clone  cloneArgs
	argued uintptr // the size of clone that counts; 0: a kernel without clone3

	moves [2][2]uintptr // descriptors: which of this process's becomes which of the init's
	begin []step        // what every init does

	// What follows is there when the init is told to build.
	told   message
	rights rights
	gets   int    // so many descriptors, from initRules on
	steps  []step // the world
	forked bool   // a template forks its App
	argv   uintptr
	path   uintptr
	env    uintptr
	dir    uintptr
	limits []step  // of the App, taken by it; errors do not matter
	stack  uintptr // the end of the App's, until it is executed

	// Of an init whose App a template forks.
	ask, hear, found message   // to the fork server, from its fork, and of that
	sender, app      control   // who the fork is, and its pidfd
	orphans          [4]uint64 // struct sigaction

	lives, becomes uintptr // the entries of live and become

	all, none, before uint64 // masks of signals
	status            int32
	errno             uintptr
	word              [8]byte
	now               [2]int64 // seconds, nanoseconds
	line              [96]byte
	length            int
}

// Descriptors of an init: its end of the socket, the Landlock rules, and the App's outputs. One whose App a
// template forks has the fork server's socket besides, both ends of the one by which the fork is told what to
// run, and its own namespaces.
const (
	initConn       = 3
	initRules      = 4
	initStdout     = 5
	initStderr     = 6
	initServer     = 7
	initFork       = 8
	initTalk       = 9
	initNamespaces = 10
)

const sigchld = uintptr(unix.SIGCHLD)

// cloneArgs is struct clone_args.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// beginInit makes a process by one of the two calls that do, which lives on a stack of its own: entry is that
// of [live].
//
//go:noescape
func beginInit(call, a1, a2, a3, a4, a5 uintptr, b *birth, entry uintptr) (pid, errno uintptr)

// beginApp makes a process that has all memory of this one, which goes on when the other has executed the App
// or has ended: entry is that of [become].
//
//go:noescape
func beginApp(flags, stack uintptr, b *birth, entry uintptr) (pid, errno uintptr)

// entry is where a function begins.
func entry(f func(*birth)) uintptr { return **(**uintptr)(unsafe.Pointer(&f)) }

// run makes the init and returns its PID.
//
//go:noinline
//go:norace
//go:nocheckptr
func (b *birth) run() (pid uintptr, errno syscall.Errno) {
	// The init has no handlers for signals, and must not run ours. As the first process of a PID
	// namespace it gets none but KILL from within; in any other it blocks them.
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.all)), uintptr(unsafe.Pointer(&b.before)), 8, 0, 0)
	call, args := uintptr(unix.SYS_CLONE3), [5]uintptr{uintptr(unsafe.Pointer(&b.clone)), b.argued}
	if b.argued == 0 {
		call, args = unix.SYS_CLONE, clone(uintptr(b.clone.flags|b.clone.exitSignal), uintptr(b.clone.stack+b.clone.stackSize), uintptr(b.clone.tls))
	}
	pid, e := beginInit(call, args[0], args[1], args[2], args[3], args[4], b, b.lives)
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.before)), 0, 8, 0, 0)
	return pid, syscall.Errno(e)
}

// live is the life of the init.
//
//go:nosplit
//go:norace
//go:nocheckptr
func live(b *birth) {
	b.settle()
	b.listen()
	if b.forked {
		b.liveForked()
	}
	b.build()
	n, _, _ := syscall.RawSyscall6(unix.SYS_READ, initConn, uintptr(unsafe.Pointer(&b.word)), 1, 0, 0, 0)
	if n != 1 {
		exit() // the shim has ended, or needs no App
	}
	// A shim that ended before begin has not ended this process by that, and one that had no patience has
	// reported that there is no App: then there is none, though the word was said.
	n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, initConn, uintptr(unsafe.Pointer(&b.word)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if e == 0 && n == 0 {
		exit()
	}
	app, failed := beginApp(unix.CLONE_VM|unix.CLONE_VFORK|sigchld, b.stack, b, b.becomes)
	if failed == 0 {
		failed = b.errno // of the execution
	}
	if failed != 0 {
		b.say("{\"errno\":", int(failed))
		exit()
	}
	_, _, _ = syscall.RawSyscall6(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&b.now)), 0, 0, 0, 0)
	for fd := uintptr(initRules); fd <= initStderr; fd++ {
		_, _, _ = syscall.RawSyscall6(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
	}
	b.say("{\"started\":true,\"at\":", int(b.now[0]*1e9+b.now[1]))
	b.reap(app)
	exit()
}

// liveForked is the life of an init whose App a template forks, and is the parent of.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) liveForked() {
	b.reapOrphans(sigIgnore) // the App's, until its end is told
	b.build()
	// The fork says that it is there, and the kernel which number it has in here: a process that is not in this
	// world has none.
	n, _, _ := syscall.RawSyscall6(unix.SYS_RECVMSG, initTalk, uintptr(unsafe.Pointer(&b.hear)), 0, 0, 0, 0)
	if n != 1 || b.word[0] != forkReady || b.sender.kind != unix.SCM_CREDENTIALS || b.sender.value < 2 {
		exit()
	}
	fd, _, e := syscall.RawSyscall6(unix.SYS_PIDFD_OPEN, uintptr(b.sender.value), 0, 0, 0, 0, 0)
	if e != 0 {
		exit()
	}
	b.app.value = int32(fd)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SENDMSG, initConn, uintptr(unsafe.Pointer(&b.found)), 0, 0, 0, 0)
	_, _, _ = syscall.RawSyscall6(unix.SYS_CLOSE_RANGE, initConn+1, 1<<32-1, 0, 0, 0, 0)
	n, _, _ = syscall.RawSyscall6(unix.SYS_READ, initConn, uintptr(unsafe.Pointer(&b.status)), unsafe.Sizeof(b.status), 0, 0, 0)
	if n != unsafe.Sizeof(b.status) {
		exit()
	}
	b.reapOrphans(sigDefault)
	b.reap(0)
	exit()
}

// forkReady is the first word of a template's fork.
const forkReady = 'r'

// What may be done about signals.
const sigDefault, sigIgnore = 0, 1

// reapOrphans has the kernel reap the processes that become the init's and end, or not.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) reapOrphans(action uint64) {
	b.orphans[0] = action
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sigchld, uintptr(unsafe.Pointer(&b.orphans)), 0, 8, 0, 0)
}

// settle has the first descriptors of the init where they belong, and no others.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) settle() {
	for i := range b.begin { // errors do not matter, or show later
		_ = takeStep(&b.begin[i])
	}
	for i := range b.moves {
		b.moves[i][0], _, _ = syscall.RawSyscall6(unix.SYS_FCNTL, b.moves[i][0], unix.F_DUPFD_CLOEXEC, firstFD, 0, 0, 0)
	}
	for i := range b.moves {
		_, _, _ = syscall.RawSyscall6(unix.SYS_DUP3, b.moves[i][0], b.moves[i][1], unix.O_CLOEXEC, 0, 0, 0)
	}
	for fd := uintptr(0); fd <= 2; fd++ { // the App's as well, so they stay open when that is executed
		_, _, _ = syscall.RawSyscall6(unix.SYS_DUP3, b.moves[0][0], fd, 0, 0, 0, 0)
	}
	if _, _, e := syscall.RawSyscall6(unix.SYS_CLOSE_RANGE, initRules, 1<<32-1, 0, 0, 0, 0); e != 0 {
		for fd := uintptr(initRules); fd < 65536; fd++ { // before Linux 5.9
			_, _, _ = syscall.RawSyscall6(unix.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
		}
	}
}

// listen waits until the init is told to build. Its other descriptors come with the word, and get the lowest numbers
// that are free, which are theirs.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) listen() {
	n, _, _ := syscall.RawSyscall6(unix.SYS_RECVMSG, initConn, uintptr(unsafe.Pointer(&b.told)), unix.MSG_CMSG_CLOEXEC, 0, 0, 0)
	if n != 1 || b.rights.length != unix.SizeofCmsghdr+4*uint64(b.gets) {
		exit() // who has made it has ended, or needs no App
	}
	for i := 0; i < b.gets; i++ {
		if b.rights.fds[i] != initRules+int32(i) {
			exit()
		}
	}
}

// build takes the steps by which the world is built. An init that cannot build it ends.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) build() {
	for i := range b.steps {
		if e := takeStep(&b.steps[i]); e != 0 {
			b.length = 0
			b.put("{\"failed\":", i+1)
			b.put(",\"errno\":", int(e))
			b.tell()
			exit()
		}
	}
}

// become executes the App.
//
//go:nosplit
//go:norace
//go:nocheckptr
func become(b *birth) {
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0)
	_, _, _ = syscall.RawSyscall6(unix.SYS_DUP3, initStdout, 1, 0, 0, 0, 0)
	_, _, _ = syscall.RawSyscall6(unix.SYS_DUP3, initStderr, 2, 0, 0, 0, 0)
	for i := range b.limits {
		_ = takeStep(&b.limits[i])
	}
	_, _, e := syscall.RawSyscall6(unix.SYS_CHDIR, b.dir, 0, 0, 0, 0, 0)
	if e == 0 {
		_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.none)), 0, 8, 0, 0)
		_, _, e = syscall.RawSyscall6(unix.SYS_EXECVE, b.path, b.argv, b.env, 0, 0, 0)
	}
	b.errno = uintptr(e)
	exit()
}

// reap waits until nothing lives but this process, and tells the App's own end when it comes. With app 0 that
// has ended, by the status that is there.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) reap(app uintptr) {
	ended, told, after := app == 0, false, 0
	end := b.status
	for {
		options := uintptr(0)
		if ended && !told { // does something live on?
			options = unix.WNOHANG
		}
		pid, _, e := syscall.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&b.status)), options, 0, 0, 0)
		switch {
		case e == syscall.EINTR:
		case e != 0: // ECHILD
			if ended && !told {
				b.end(end, false)
			}
			b.say("{\"reaped\":", after)
			return
		case pid == 0:
			b.end(end, true)
			told = true
		case pid == app:
			ended, end = true, b.status
		case told:
			after++
		}
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) end(status int32, left bool) {
	b.length = 0
	if signal := status & 0x7f; signal != 0 {
		b.put("{\"ended\":true,\"code\":-1,\"signal\":", int(signal))
	} else {
		b.put("{\"ended\":true,\"code\":", int(status>>8&0xff))
	}
	if left {
		b.put(",\"left\":true", -1)
	}
	b.tell()
}

// say writes one event to the shim; a number below zero is left out.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) say(event string, n int) {
	b.length = 0
	b.put(event, n)
	b.tell()
}

// tell writes the event that was put together.
//
//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) tell() {
	b.put("}\n", -1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_WRITE, initConn, uintptr(unsafe.Pointer(&b.line)), uintptr(b.length), 0, 0, 0)
}

//go:nosplit
//go:norace
//go:nocheckptr
func (b *birth) put(text string, n int) {
	for i := 0; i < len(text) && b.length < len(b.line); i++ {
		b.line[b.length] = text[i]
		b.length++
	}
	if n < 0 {
		return
	}
	scale := 1
	for n/scale >= 10 {
		scale *= 10
	}
	for ; scale > 0 && b.length < len(b.line); scale /= 10 {
		b.line[b.length] = '0' + byte(n/scale%10)
		b.length++
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func exit() {
	for {
		_, _, _ = syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
}
