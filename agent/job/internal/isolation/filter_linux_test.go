package isolation

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// numbers of system calls, from the kernel's tables and not from the package that the filter is
// made of: on x86_64 and, as on all newer architectures, on arm64.
var numbers = map[string][2]uint32{
	"ptrace": {101, 117}, "process_vm_readv": {310, 270}, "process_vm_writev": {311, 271}, "kcmp": {312, 272},
	"pidfd_getfd": {438, 438}, "process_madvise": {440, 440},
	"add_key": {248, 217}, "request_key": {249, 218}, "keyctl": {250, 219},
	"unshare": {272, 97}, "setns": {308, 268}, "mount": {165, 40}, "umount2": {166, 39}, "pivot_root": {155, 41}, "chroot": {161, 51},
	"fsopen": {430, 430}, "fsconfig": {431, 431}, "fsmount": {432, 432}, "fspick": {433, 433}, "move_mount": {429, 429},
	"open_tree": {428, 428}, "open_tree_attr": {467, 467}, "mount_setattr": {442, 442}, "open_by_handle_at": {304, 265},
	"bpf": {321, 280}, "perf_event_open": {298, 241}, "userfaultfd": {323, 282}, "fanotify_init": {300, 262},
	"io_uring_setup": {425, 425}, "io_uring_enter": {426, 426}, "io_uring_register": {427, 427},
	"init_module": {175, 105}, "finit_module": {313, 273}, "delete_module": {176, 106}, "kexec_load": {246, 104},
}

// Of calls whose arguments decide, and of some that every program makes.
var others = map[string][2]uint32{
	"clone": {56, 220}, "clone3": {435, 435}, "ioctl": {16, 29}, "socket": {41, 198},
	"read": {0, 63}, "execve": {59, 221}, "openat": {257, 56}, "futex": {202, 98}, "connect": {42, 203}, "prctl": {157, 167}, "mmap": {9, 222},
}

// architectures have the columns of the tables.
var architectures = map[string]struct {
	column int
	audit  uint32
}{
	"amd64": {0, 0xc000003e}, "arm64": {1, 0xc00000b7},
}

func callsOf(arch string) calls {
	a := architectures[arch]
	c := calls{arch: a.audit, clone: others["clone"][a.column], clone3: others["clone3"][a.column], ioctl: others["ioctl"][a.column], socket: others["socket"][a.column]}
	for _, n := range numbers {
		c.refused = append(c.refused, n[a.column])
	}
	return c
}

// TestNative: the filter of this system is that of the kernel's tables.
func TestNative(t *testing.T) {
	want := callsOf(runtime.GOARCH)
	slices.Sort(want.refused)
	got := native
	got.refused = slices.Sorted(slices.Values(native.refused))
	if !slices.Equal(got.refused, want.refused) || got.arch != want.arch || got.clone != want.clone || got.clone3 != want.clone3 || got.ioctl != want.ioctl || got.socket != want.socket {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestFilter runs the filters of both architectures on calls as the kernel describes them.
func TestFilter(t *testing.T) {
	for arch, a := range architectures {
		vm, err := bpf.NewVM(callsOf(arch).program())
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := bpf.Assemble(callsOf(arch).program()); err != nil || len(raw) > 4096 {
			t.Fatalf("%s: %d instructions, %v", arch, len(raw), err)
		}
		call := func(number, audit uint32, args ...uint64) uint32 {
			data := binary.BigEndian.AppendUint32(nil, number) // as the machine reads packets
			data = binary.BigEndian.AppendUint32(data, audit)
			data = append(data, make([]byte, 8)...) // instruction pointer
			for i := range 6 {
				var n uint64
				if i < len(args) {
					n = args[i]
				}
				data = binary.BigEndian.AppendUint32(data, uint32(n)) // both architectures are little-endian
				data = binary.BigEndian.AppendUint32(data, uint32(n>>32))
			}
			verdict, err := vm.Run(data)
			if err != nil {
				t.Fatal(err)
			}
			return uint32(verdict)
		}
		check := func(what string, got, want uint32) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %s: got %#x, want %#x", arch, what, got, want)
			}
		}
		number := func(name string) uint32 { return others[name][a.column] }
		for name, n := range numbers {
			check(name, call(n[a.column], a.audit), eperm)
		}
		for _, name := range []string{"read", "execve", "openat", "futex", "connect", "prctl", "mmap"} {
			check(name, call(number(name), a.audit), allow)
			check(name+" by another ABI", call(number(name), 0x40000003), enosys) // i386
			check(name+" by x32", call(number(name)|1<<30, a.audit), enosys)
		}
		check("a call of the future", call(1000, a.audit), allow)
		check("clone3", call(number("clone3"), a.audit), enosys)
		const fork, thread = uint64(unix.SIGCHLD), unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
		check("fork", call(number("clone"), a.audit, fork), allow)
		check("a thread", call(number("clone"), a.audit, thread), allow)
		for _, flag := range []uint64{unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWPID, unix.CLONE_NEWNET, unix.CLONE_NEWIPC, unix.CLONE_NEWUTS, unix.CLONE_NEWCGROUP} {
			check("a namespace", call(number("clone"), a.audit, fork|flag), eperm)
			check("a namespace, with bits that the kernel ignores", call(number("clone"), a.audit, 1<<40|fork|flag), eperm)
		}
		check("asking for a terminal's size", call(number("ioctl"), a.audit, 0, 0x5413), allow)
		for _, request := range []uint64{0x5412, 0x541c} {
			check("typing", call(number("ioctl"), a.audit, 0, request), eperm)
			check("typing, with bits that the kernel ignores", call(number("ioctl"), a.audit, 0, 1<<40|request), eperm)
		}
		for family := range uint64(64) {
			want := uint32(nofamily)
			if slices.Contains([]uint64{1, 2, 10, 16}, family) {
				want = allow
			}
			check("a socket", call(number("socket"), a.audit, family, 1), want)
		}
	}
}
