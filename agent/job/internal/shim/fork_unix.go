//go:build unix

package shim

import (
	"runtime"
	"sync"
	"syscall"

	"tcenvsvr/agent/job/internal/cgroup"
)

// forks are what one thread does, one after the other, as long as this process lives: a process whose parent
// has ended is killed when the thread has ended that forked it. (A goroutine that keeps its thread for itself
// would do as well, but each time that it waits costs two switches more.)
var forks = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// forkIn has fork, which uses attr, start a process in the group.
func forkIn(g *cgroup.Group) func(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error) {
	return func(attr *syscall.SysProcAttr, fork func() (int, error)) (pid int, err error) {
		done := make(chan struct{})
		forks() <- func() {
			pid, err = g.Start(attr, fork)
			close(done)
		}
		<-done
		return pid, err
	}
}
