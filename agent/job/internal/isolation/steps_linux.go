package isolation

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// step is one system call of many by which a world is built. All that it needs is worked out
// before, so that a process can take it that has no Go runtime (born_linux.go).
type step struct {
	call uintptr
	args [6]uintptr
	to   uintptr    // the descriptor that the call opens gets this number; 0: it opens none
	fine [3]uintptr // errors that are none
}

// steps are taken one after the other.
type steps struct {
	list []step
	what []string // what each of them does, for its error
	// What their arguments point to: in memory, or, where they are taken by this process, held.
	memory *memory
	held   []any
	err    error // there was not enough memory
}

// firstFD is the lowest number of a descriptor that steps open. There are no others from here on.
const firstFD = 100

func (s *steps) add(what string, call uintptr, args ...uintptr) *step {
	st := step{call: call}
	copy(st.args[:], args)
	s.list, s.what = append(s.list, st), append(s.what, what)
	return &s.list[len(s.list)-1]
}

// unless makes errors of the step none.
func (st *step) unless(errs ...syscall.Errno) {
	for i, e := range errs {
		st.fine[i] = uintptr(e)
	}
}

// text is the address of a text as the kernel reads it. A text with a zero byte is cut there, so it
// is refused before ([Plan.Validate], Launch.Validate).
func (s *steps) text(t string) uintptr { return address(place(s, append([]byte(t), 0))) }

// take takes the steps in this process.
func (s *steps) take() error {
	for i := range s.list {
		if errno := takeStep(&s.list[i]); errno != 0 {
			return s.failed(i, syscall.Errno(errno))
		}
	}
	return nil
}

// failed is the error of a step. It does not wrap errno: a [syscall.Errno] is the error of
// executing the App, and says that its world could be built.
func (s *steps) failed(i int, errno syscall.Errno) error {
	if i < 0 || i >= len(s.what) {
		return fmt.Errorf("building the world: %v", errno)
	}
	return fmt.Errorf("%s: %v", s.what[i], errno)
}

// takeStep takes one step. It is called in a process without a Go runtime, too.
//
//go:nosplit
//go:norace
//go:nocheckptr
func takeStep(st *step) uintptr {
	for {
		r, _, e := syscall.RawSyscall6(st.call, st.args[0], st.args[1], st.args[2], st.args[3], st.args[4], st.args[5])
		if e == syscall.EINTR {
			continue
		}
		if e != 0 {
			if uintptr(e) == st.fine[0] || uintptr(e) == st.fine[1] || uintptr(e) == st.fine[2] {
				return 0
			}
			return uintptr(e)
		}
		if st.to == 0 || r == st.to {
			return 0
		}
		_, _, e = syscall.RawSyscall6(unix.SYS_DUP3, r, st.to, unix.O_CLOEXEC, 0, 0, 0)
		_, _, _ = syscall.RawSyscall6(unix.SYS_CLOSE, r, 0, 0, 0, 0, 0)
		return uintptr(e)
	}
}

const atCWD = ^uintptr(99) // AT_FDCWD, -100

func (s *steps) open(what, path string, flags int, fd uintptr) *step {
	st := s.add(what, unix.SYS_OPENAT, atCWD, s.text(path), uintptr(flags|unix.O_CLOEXEC))
	st.to = fd
	return st
}

func (s *steps) close(fd uintptr) {
	s.add("closing a descriptor", unix.SYS_CLOSE, fd).unless(unix.EBADF)
}

func (s *steps) mount(what, source, target, kind string, flags uintptr, options string) *step {
	opt := uintptr(0)
	if options != "" {
		opt = s.text(options)
	}
	return s.add(what, unix.SYS_MOUNT, s.text(source), s.text(target), s.text(kind), flags, opt)
}

// mkdirs makes the folders from root to dir, which are below root.
func (s *steps) mkdirs(what, root, dir string) {
	rest := strings.TrimPrefix(dir, root)
	for i := 1; i <= len(rest); i++ {
		if i == len(rest) || rest[i] == '/' {
			s.add(what, unix.SYS_MKDIRAT, atCWD, s.text(root+rest[:i]), 0o755).unless(unix.EEXIST)
		}
	}
}

// write replaces what a file of the kernel's says.
func (s *steps) write(what, path, value string) (opened *step) {
	const fd = firstFD
	s.open(what, path, unix.O_WRONLY, fd)
	at := len(s.list) - 1
	s.add(what, unix.SYS_WRITE, fd, s.text(value), uintptr(len(value))).unless(unix.EBADF) // it was fine that there is none
	s.close(fd)
	return &s.list[at]
}

func procFD(fd uintptr) string { return filepath.Join("/proc/self/fd", fmt.Sprint(fd)) }

// message is struct msghdr, with its one struct iovec.
type message struct {
	name, nameLength       uintptr
	parts, count           uintptr
	control, controlLength uintptr
	flags                  uintptr
	data, length           uintptr
}

// set makes the message one of so much data, and of one or more control messages. It stays where it is.
func (m *message) set(data uintptr, length int, control, controlLength uintptr) {
	*m = message{parts: uintptr(unsafe.Pointer(&m.data)), count: 1, control: control, controlLength: controlLength, data: data, length: uintptr(length)}
}

// control is struct cmsghdr with what follows it: one descriptor, or struct ucred, which begins with a PID.
type control struct {
	length      uint64
	level, kind int32
	value       int32
	more        [3]int32
}

// rights is struct cmsghdr with descriptors.
type rights struct {
	length      uint64
	level, kind int32
	fds         [mostFiles]int32
}

// mostFiles is how many files an init gets.
const mostFiles = initTalk - initRules + 1
