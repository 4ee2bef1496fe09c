package isolation

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// calls are the numbers of system calls on one architecture.
type calls struct {
	arch                         uint32 // as the kernel names it to a filter
	refused                      []uint32
	clone, clone3, ioctl, socket uint32
}

// native are those of this system. Refused are the calls by which a process gets at others, or at
// rights that it does not have: each answers EPERM. Most of what needs a capability is not here,
// because nothing in a world has any.
var native = calls{
	arch: auditArch, clone: unix.SYS_CLONE, clone3: unix.SYS_CLONE3, ioctl: unix.SYS_IOCTL, socket: unix.SYS_SOCKET,
	refused: []uint32{
		// other processes
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP,
		unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_MADVISE,
		// keys, which belong to the user and not to the job
		unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
		// other worlds
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
		unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOVE_MOUNT,
		unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT,
		// what the kernel was attacked by most
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_FANOTIFY_INIT,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD,
	},
}

// families are the kinds of sockets that Apps may make. Others lead to the hypervisor (vsock), or
// into parts of the kernel that few use and many attacked.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// ioctls by which text is typed into a terminal that somebody else reads from.
const tiocsti, tioclinux = 0x5412, 0x541c

// The fields of struct seccomp_data; of arguments the low half, which is all that the kernel looks
// at in those that are asked for here.
const offNumber, offArch, offArg0, offArg1 = 0, 4, 16, 24

// x32 is the bit of numbers of the third ABI of x86_64.
const x32 = 1 << 30

const (
	allow            = unix.SECCOMP_RET_ALLOW
	eperm            = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	enosys           = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	nofamily         = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
	anotherNamespace = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
		unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
)

// without are the calls with one fewer that is refused.
func (c calls) without(call uint32) calls {
	c.refused = slices.DeleteFunc(slices.Clone(c.refused), func(n uint32) bool { return n == call })
	return c
}

// program is the filter. Calls by another ABI than the system's own are unknown to it and are
// refused: by them the same calls have other numbers. (elastic/go-seccomp-bpf lets them pass.)
func (c calls) program() []bpf.Instruction {
	list := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: c.arch, SkipTrue: 1},
		bpf.RetConstant{Val: enosys},
		bpf.LoadAbsolute{Off: offNumber, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32, SkipTrue: 1},
		bpf.RetConstant{Val: enosys},
		// The C library falls back to clone, whose flags can be looked at.
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.clone3, SkipTrue: 1},
		bpf.RetConstant{Val: enosys},
	}
	for _, number := range c.refused {
		list = append(list, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: number, SkipTrue: 1}, bpf.RetConstant{Val: eperm})
	}
	list = append(list,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.clone, SkipTrue: 4},
		bpf.LoadAbsolute{Off: offArg0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: anotherNamespace, SkipFalse: 1},
		bpf.RetConstant{Val: eperm},
		bpf.RetConstant{Val: allow},

		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.socket, SkipTrue: uint8(len(families) + 3)},
		bpf.LoadAbsolute{Off: offArg0, Size: 4},
	)
	for i, family := range families {
		list = append(list, bpf.JumpIf{Cond: bpf.JumpEqual, Val: family, SkipTrue: uint8(len(families) - i)})
	}
	return append(list,
		bpf.RetConstant{Val: nofamily},
		bpf.RetConstant{Val: allow},

		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.ioctl, SkipTrue: 4},
		bpf.LoadAbsolute{Off: offArg1, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: tiocsti, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: tioclinux, SkipTrue: 1},
		bpf.RetConstant{Val: eperm},
		bpf.RetConstant{Val: allow},
	)
}

// assembled is the program for Apps as the kernel takes it.
var assembled = sync.OnceValues(native.assemble)

// sockFprog is struct sock_fprog.
type sockFprog struct {
	length uint16
	filter uintptr
}

// assemble is the program that refuses the calls, as the kernel takes it.
func (c calls) assemble() ([]unix.SockFilter, error) {
	raw, err := bpf.Assemble(c.program())
	if err != nil {
		return nil, fmt.Errorf("assembling the system call filter: %w", err)
	}
	list := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		list[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return list, nil
}

// Program is the filter for Apps as bytes: an array of struct sock_filter.
func Program() ([]byte, error) {
	list, err := assembled()
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, f := range list {
		b = binary.NativeEndian.AppendUint16(b, f.Code)
		b = append(b, f.Jt, f.Jf)
		b = binary.NativeEndian.AppendUint32(b, f.K)
	}
	return b, nil
}
