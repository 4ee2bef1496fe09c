package shim

import (
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
// loader is at work: limits that were set in the shim would bind the shim as well.
func confine(pid int, l spec.Limits) {
	for resource, n := range map[int]uint64{
		unix.RLIMIT_NOFILE: l.OpenFiles, unix.RLIMIT_NPROC: l.Processes,
		unix.RLIMIT_FSIZE: l.FileSize, unix.RLIMIT_AS: l.Memory,
	} {
		if n == 0 {
			continue
		}
		var now unix.Rlimit
		if unix.Prlimit(pid, resource, nil, &now) == nil && n <= now.Max {
			_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil)
		}
	}
	// When memory is short, an App goes before its shim and the agent.
	if f, err := os.OpenFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString("500")
		_ = f.Close()
	}
}
