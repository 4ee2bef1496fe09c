package shim

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/spec"
)

// subreaper: orphans of the tree become our children.
const subreaper = true

func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// confine sets the App's limits. That happens some microseconds after the execution, while the
// loader is at work: limits that were set in the shim would bind the shim as well. Memory is not
// among them: Java, Go and Node reserve address space by the gigabyte and use little of it, and a
// limit of data (RLIMIT_DATA) holds for each process alone.
func confine(pid int, l spec.Limits) {
	for resource, n := range rlimits(l) {
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil)
	}
	// When memory is short, an App goes before its shim and the agent.
	if f, err := os.OpenFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString("500")
		_ = f.Close()
	}
}

// rlimits are the limits of each of the App's processes that are lower than this process's own.
func rlimits(l spec.Limits) map[int]uint64 {
	limits := map[int]uint64{}
	for resource, n := range map[int]uint64{
		unix.RLIMIT_NOFILE: l.OpenFiles, unix.RLIMIT_NPROC: l.Processes,
		unix.RLIMIT_FSIZE: l.FileSize,
	} {
		var now unix.Rlimit
		if n > 0 && unix.Prlimit(0, resource, nil, &now) == nil && n <= now.Max {
			limits[resource] = n
		}
	}
	return limits
}

// hardenSystem makes orphans of the App our children, keeps other processes of the sandbox user
// from reading our memory, and keeps files that were left open before the agent was started from
// the App. All are best effort.
func hardenSystem() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC)
}

// traced reports whether another process traces this one.
func traced() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err == nil && !bytes.Contains(status, []byte("\nTracerPid:\t0\n"))
}

func dup2(from, to int) error { return unix.Dup3(from, to, 0) }
