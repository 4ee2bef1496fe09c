//go:build unix

package shim

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
)

// limitsMemory: without a control group, memory is not limited.
const limitsMemory = false

// tree is the App and everything that descends from it.
type tree struct {
	id       proc.ID       // of the App, or of the init of its world
	executed time.Time     // when the App was; zero: a moment ago
	app      proc.ID       // forked by a template, whose child it is; else zero
	world    *world        // nil where the App is not isolated
	pidfd    int           // of its init, -1 if there is none
	over     atomic.Bool   // the init is reaped
	group    *cgroup.Group // nil where the App has none of its own
	ended    atomic.Bool   // the App in it
	events   chan event
	stopping atomic.Bool  // a signal was sent
	reaped   atomic.Int64 // processes beside the App that ended after that
}

// spawn executes the App in its own session.
func spawn(l *spec.Launch, g *cgroup.Group, stdout, stderr *os.File) (*tree, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("opening the App's stdin: %w", err)
	}
	defer null.Close()
	attr := sysProcAttr()
	var executed time.Time
	pid, err := forkIn(g)(attr, func() (int, error) {
		defer func() { executed = time.Now() }()
		return syscall.ForkExec(l.Argv[0], l.Argv, &syscall.ProcAttr{
			Dir: l.WorkDir, Env: l.Env, Sys: attr,
			Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd()},
		})
	})
	if err != nil {
		return nil, explain(l, err)
	}
	id, err := proc.Of(pid) // it is ours and not waited for yet: it can only be there
	if err != nil {
		id = proc.ID{PID: pid}
	}
	confine(pid, l.Limits)
	return &tree{id: id, executed: executed, group: g, events: make(chan event, 2)}, nil
}

// explain finds out what went wrong: fork, chdir and exec return one error number for all.
func explain(l *spec.Launch, err error) error {
	fail := func(code string, err error) error { return &spec.StartError{Code: code, Err: err} }
	if info, statErr := os.Stat(l.WorkDir); statErr != nil {
		return fail(spec.CodeWorkDir, fmt.Errorf("entering the App's folder: %w", statErr))
	} else if !info.IsDir() {
		return fail(spec.CodeWorkDir, fmt.Errorf("entering the App's folder: %q is not a folder", l.WorkDir))
	} else if unix.Access(l.WorkDir, unix.X_OK) != nil {
		return fail(spec.CodeWorkDir, fmt.Errorf("entering the App's folder %q: %w", l.WorkDir, err))
	}
	code := spec.CodeStart
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		code = spec.CodeNotFound
		if _, statErr := os.Stat(l.Argv[0]); statErr == nil {
			err = fmt.Errorf("its interpreter is missing: %w", err)
		}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		code = spec.CodePermission
	case errors.Is(err, unix.ENOEXEC):
		code = spec.CodeFormat
	case errors.Is(err, unix.E2BIG):
		code = spec.CodeTooLarge
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOMEM):
		code = spec.CodeNoProcess
	case errors.Is(err, unix.EIO), errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		code = spec.CodeIO
	}
	return fail(code, fmt.Errorf("executing %q: %w", l.Argv[0], err))
}

// watch reaps until nothing lives. The end of the App is an event of its own only if something
// survives it.
func (t *tree) watch() {
	if t.world != nil {
		t.watchWorld()
		return
	}
	var e event
	for reported := false; ; {
		options := 0
		if e.ended && !reported {
			options = unix.WNOHANG
		}
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // ECHILD
			if !subreaper && len(t.members()) > 0 { // orphans that went to init
				if !reported {
					t.events <- e
					reported = true
				}
				time.Sleep(killEvery)
				continue
			}
			e.gone = true
			t.events <- e
			return
		case pid == 0:
			t.events <- e
			reported = true
		case pid == t.id.PID:
			e.ended, e.code = true, ws.ExitStatus()
			if ws.Signaled() {
				e.code, e.signal = -1, signalName(ws.Signal())
			}
		case t.stopping.Load():
			t.reaped.Add(1)
		}
	}
}

func signalName(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("SIG%d", sig) // a real-time signal
}

// members are all living processes of the job.
func (t *tree) members() []proc.Info {
	list, err := proc.List()
	if err != nil || len(list) == 0 { // the App's group is at least something
		if unix.Kill(-t.id.PID, 0) != nil {
			return nil
		}
		return []proc.Info{{ID: t.id, PGID: t.id.PID}}
	}
	if t.world != nil {
		return t.inWorld(list)
	}
	return proc.Descendants(list, os.Getpid(), t.id.PID)
}

// sockets are the numbers of the sockets that the job holds.
func (t *tree) sockets() map[uint64]bool {
	all := map[uint64]bool{}
	for _, p := range t.members() {
		proc.Sockets(p.PID, all)
	}
	return all
}

// terminate asks everything to end. It does not send HUP, which Apps take for a success.
func (t *tree) terminate() {
	t.stopping.Store(true)
	for _, p := range t.members() {
		_ = proc.Signal(p.ID, unix.SIGTERM)
		if p.Stopped {
			_ = proc.Signal(p.ID, unix.SIGCONT)
		}
	}
}

// kill kills what is there, in several passes, because what is forked meanwhile is found only by
// the next pass. Whole groups come first: the kernel lets no process fork out of a group that it
// kills, and the groups of the App's sessions have no other members. (Stopping all before killing,
// as is often advised, leaves as many processes for each pass to find, and more to look through.)
func (t *tree) kill() (alive, refused int) {
	t.stopping.Store(true)
	killed := map[proc.ID]bool{}
	for fresh := true; fresh; {
		fresh = false
		list := t.members()
		t.killWorld()
		groups := map[int]bool{}
		alive, refused = len(list), 0
		for _, p := range list {
			if p.PGID > 1 && !groups[p.PGID] && p.PGID != unix.Getpgrp() {
				groups[p.PGID] = true
				_ = unix.Kill(-p.PGID, unix.SIGKILL)
			}
			if errors.Is(proc.Signal(p.ID, unix.SIGKILL), unix.EPERM) {
				refused++
			}
			fresh = fresh || !killed[p.ID]
			killed[p.ID] = true
		}
	}
	t.group.Kill()
	if t.world != nil { // its init, which would count, is among them
		t.reaped.Store(max(t.reaped.Load(), int64(len(killed)-t.own())))
	}
	return alive, refused
}

// close gives back what the shim has of a tree of which nothing lives.
func (t *tree) close() {
	if t.world != nil && t.pidfd >= 0 {
		_ = unix.Close(t.pidfd)
		t.pidfd = -1
	}
}

func (t *tree) killed() int { return int(t.reaped.Load()) }

// pipe makes the pipe of an output. Only our end uses the poller; the App's end is an ordinary
// blocking one.
func pipe() (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err == nil {
		w.Fd() // blocking again
	}
	return r, w, err
}
