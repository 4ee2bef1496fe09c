package shim

import (
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/isolation"
)

// unborn are the inits of worlds to come, made before their orders come, in the control group that the next Apps will
// have. One is enough where the kernel makes it there, in half a millisecond. Where it does not, as under
// tc-job@.service, whose RestrictNamespaces= refuses clone3, an init has to be moved, and the kernel waits for all
// processors then, up to 20 ms, in which the next orders have others.
type unborn struct {
	making chan struct{} // closed when no more are being made; nil: it was seen
	came   chan struct{} // one was made; has room for one

	mu     sync.Mutex
	enough bool // no more are wanted
	level  isolation.Level
	home   *cgroup.Group
	inits  []*isolation.Init
	moving int // the PID of one that is being made
}

// Where inits have to be moved, so many are made when fewer are left.
const (
	mostUnborn = 8
	fewUnborn  = 4
)

// make has inits made, while the shim goes on: only one while it is not known what the first App will be.
func (u *unborn) make(level isolation.Level, g *cgroup.Group, known bool) {
	if u.making != nil {
		select {
		case <-u.making:
		default:
			return
		}
	}
	if !u.fit(level, g) {
		u.end()
	}
	several := known && level == isolation.Full // else they would be in each other's world
	if n := len(u.inits); n > fewUnborn || n > 0 && !(several && g.Moves()) {
		return
	}
	u.level, u.home, u.enough = level, g, false
	u.making, u.came = make(chan struct{}), make(chan struct{}, 1)
	go func() {
		defer close(u.making)
		for u.add(level, g) && several && g.Moves() {
			wake(u.came)
		}
	}()
}

// add makes one and reports whether another is wanted.
func (u *unborn) add(level isolation.Level, g *cgroup.Group) bool {
	init, err := isolation.Bear(level, bornIn(g, func(pid int) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.moving = pid
	}))
	u.mu.Lock()
	defer u.mu.Unlock()
	u.moving = 0
	if err != nil { // without, the next job says why
		return false
	}
	u.inits = append(u.inits, init)
	return len(u.inits) < mostUnborn && !u.enough
}

// fit reports whether those that wait, if any do, are of that level and group, and alive.
func (u *unborn) fit(level isolation.Level, g *cgroup.Group) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.inits)
	return n == 0 || u.level == level && u.home == g && u.inits[n-1].Waits()
}

// take is the init of a world of that level in the group: one that waits, or is made at this moment, or a new one.
func (u *unborn) take(level isolation.Level, g *cgroup.Group) (*isolation.Init, error) {
	for over := false; u.fit(level, g); {
		if init := u.last(); init != nil {
			return init, nil
		}
		if over || u.making == nil || u.level != level || u.home != g {
			break
		}
		select {
		case <-u.came:
		case <-u.making:
			over = true
		}
	}
	u.end()
	return isolation.Bear(level, bornIn(g, func(int) {}))
}

func (u *unborn) last() *isolation.Init {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(u.inits) - 1
	if n < 0 {
		return nil
	}
	init := u.inits[n]
	u.inits = u.inits[:n]
	return init
}

// end ends those that wait.
func (u *unborn) end() {
	if u.making != nil {
		u.mu.Lock()
		u.enough = true
		u.mu.Unlock()
		<-u.making
		u.making = nil
	}
	for _, init := range u.inits {
		init.Discard()
	}
	u.inits = nil
}

// in are the processes in the group that belong to no App yet.
func (u *unborn) in(g *cgroup.Group) (pids []int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.home != g {
		return nil
	}
	for _, init := range u.inits {
		pids = append(pids, init.PID)
	}
	return append(pids, u.moving)
}

// room is how many may be there beside an App.
func (u *unborn) room(g *cgroup.Group) uint64 {
	if g.Moves() {
		return mostUnborn
	}
	return 0
}

// bornIn has fork make a process in the group that waits to be told what to do. moving is told which it is before it
// is moved there, if it has to be.
func bornIn(g *cgroup.Group, moving func(pid int)) func(attr *syscall.SysProcAttr, fork func() (int, error)) (int, error) {
	return func(attr *syscall.SysProcAttr, fork func() (int, error)) (pid int, err error) {
		done := make(chan struct{})
		there := false
		forks() <- func() {
			pid, there, err = g.Fork(attr, fork)
			close(done)
		}
		<-done
		if err != nil || there {
			return pid, err
		}
		moving(pid)
		if err = g.Move(pid); err != nil {
			_ = unix.Kill(pid, unix.SIGKILL)
			for {
				if _, err := unix.Wait4(pid, nil, 0, nil); !errors.Is(err, unix.EINTR) {
					break
				}
			}
		}
		return pid, err
	}
}
