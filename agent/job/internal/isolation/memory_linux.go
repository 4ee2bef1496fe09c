package isolation

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memory is what an init has in common with who has made it, beside the program: its stacks, and all that its steps
// are about, which is put there when the init is there already. It lies outside of Go's heap, of which an init gets
// nothing (spareHeap).
type memory struct {
	all, free []byte
}

const (
	// memorySize is more than any world and environment needs: the kernel bounds the latter, package launch the
	// parameters.
	memorySize  = 32 << 20
	memoryAlign = 16
)

// newMemory is that of a file without a name, of which the kernel counts what is used, also on hosts that promise
// no more memory than there is.
func newMemory() (*memory, error) {
	var all []byte
	fd, err := unix.MemfdCreate("init", unix.MFD_CLOEXEC)
	if err == nil {
		defer unix.Close(fd)
		if err = unix.Ftruncate(fd, memorySize); err == nil {
			all, err = unix.Mmap(fd, 0, memorySize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("getting memory for an init: %w", err)
	}
	return &memory{all, all}, nil
}

// bytes are n bytes that are zero.
func (m *memory) bytes(n int) ([]byte, error) {
	n = (n + memoryAlign - 1) &^ (memoryAlign - 1)
	if n > len(m.free) {
		return nil, fmt.Errorf("getting memory for an init: it needs more than %d bytes", len(m.all))
	}
	b := m.free[:n:n]
	m.free = m.free[n:]
	return b, nil
}

// spare keeps later copies of this process from having the memory.
func (m *memory) spare() { spare(address(m.all), uintptr(len(m.all))) }

// release gives the memory back. Its content, which is secret, goes with it when the init has ended.
func (m *memory) release() {
	if m.all != nil {
		_ = unix.Munmap(m.all)
	}
	m.all, m.free = nil, nil
}

// put has a value where the steps find it, and returns its address.
func put[T any](s *steps, value T) uintptr { return address(place(s, []T{value})) }

// place has values there, one after the other.
func place[T any](s *steps, values []T) []T {
	if s.memory == nil || len(values) == 0 {
		s.held = append(s.held, values)
		return values
	}
	b, err := s.memory.bytes(int(unsafe.Sizeof(values[0])) * len(values))
	if err != nil {
		s.err = err
		return nil
	}
	placed := unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(values))
	copy(placed, values)
	return placed
}

func address[T any](values []T) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(values))) }

// arena is what the runtime of Go takes from the system for its heap at a time, and aligns.
const arena = 64 << 20

// spareHeap keeps the next copies of this process from having Go's heap, where its stacks and its threads' own
// data are, too: an init needs none of it, copying it takes longer than building a world, and there are secrets
// in it. What is wrong about its place costs time only.
//
// Go's own libraries copy no process to start a program, except for one in a user namespace ([Open]): a process
// cannot do both.
func spareHeap() {
	spareRuntime()
	inHeap := new([64]byte)
	spare(uintptr(unsafe.Pointer(inHeap))&^(arena-1), arena) // each time: it may have grown
	runtime.KeepAlive(inHeap)
}

func spare(begin, bytes uintptr) {
	_, _, _ = unix.RawSyscall(unix.SYS_MADVISE, begin, bytes, unix.MADV_DONTFORK)
}
