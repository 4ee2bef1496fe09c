package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/job/internal/warm"
)

// isInit reports whether this process is to be the init of a template, not a shim. (The inits of all other worlds
// are no programs.)
func isInit(args []string) bool { return len(args) > 1 && args[len(args)-1] == warm.TemplateCommand }

func initMain() int {
	runtime.GOMAXPROCS(1) // it does one thing after the other: threads would do little but wake each other
	return warm.TemplateMain(func(pid int, data json.RawMessage) {
		var l spec.Limits
		if json.Unmarshal(data, &l) == nil {
			confine(pid, l)
		}
		time.AfterFunc(trimAfter, trim) // it waits from here on
	})
}

// world is an App's world that is ready, or could not be made.
type world = isolation.World

// mayServe reports whether nothing of a job with this isolation outlives it in what its shim has.
func (a *agentEnd) mayServe(level isolation.Level) bool {
	if level == isolation.Files || level == isolation.Full {
		return true
	}
	f, ok := a.in.from.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().Type() != os.ModeSocket // tc-job@.service
}

// prepareWorld has a world built for the App while the agent notes the start.
func (s *supervisor) prepareWorld() error {
	l := s.launch
	switch {
	case !l.Isolation.On():
		s.agent.unborn.end() // an App without a world is waited for with all that this shim has started
		return nil
	case l.Template:
		s.agent.unborn.end()
		return s.prepareTemplate()
	case l.Warm != nil && s.joinTemplate():
		return nil
	}
	return s.prepareCold()
}

// prepareCold has a world of this shim's own built.
func (s *supervisor) prepareCold() error {
	w, err := s.buildCold()
	if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) { // another process of our user has ended the init
		w, err = s.buildCold()
	}
	if err != nil {
		return &spec.StartError{Code: spec.CodeIsolation, Err: err}
	}
	s.world = w
	return nil
}

func (s *supervisor) buildCold() (*world, error) {
	init, err := s.agent.unborn.take(s.launch.Isolation.Level, s.group)
	if err != nil {
		return nil, err
	}
	w, err := init.Build(s.order(), rlimits(s.launch.Limits), s.out[0].app, s.out[1].app)
	if err == nil {
		err = s.bound() // by now it is known whether other inits are in the group
	}
	if err != nil {
		init.Discard()
		return nil, err
	}
	return w, nil
}

// order is what the init of the App's world is told.
func (s *supervisor) order() *isolation.Start {
	l := s.launch
	plan := l.Isolation
	plan.Hide = append(slices.Clip(plan.Hide), filepath.Join(l.Dir, spec.Folder))
	if mount := s.group.Mount(); mount != "" { // the App's limits are files of its own user
		plan.Lock = append(slices.Clip(plan.Lock), mount)
	}
	return &isolation.Start{Plan: plan, Argv: l.Argv, Env: l.Env, Dir: l.WorkDir}
}

// spawnIsolated executes the App in the world that was prepared for it, or has a template fork it.
func (s *supervisor) spawnIsolated() (*tree, error) {
	if s.warm != nil {
		t, err := s.spawnWarm()
		if t != nil || err != nil {
			return t, err
		}
		if err := s.prepareCold(); err != nil {
			return nil, err
		}
	}
	return spawnIn(s.world, s.group, s.launch)
}

// spawnIn executes the App in the world that was prepared for it.
func spawnIn(w *world, g *cgroup.Group, l *spec.Launch) (*tree, error) {
	err := w.Execute()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		w.Close()
		return nil, explain(l, errno)
	}
	if err != nil {
		w.Close()
		return nil, &spec.StartError{Code: spec.CodeIsolation, Err: fmt.Errorf("starting the App in a world of its own: %w", err)}
	}
	id, err := proc.Of(w.PID) // it is ours and not waited for yet: it can only be there
	if err != nil {
		id = proc.ID{PID: w.PID}
	}
	fd, err := unix.PidfdOpen(w.PID, 0)
	if err != nil {
		fd = -1
	}
	return &tree{id: id, executed: w.Executed, world: w, pidfd: fd, group: g, events: make(chan event, 2)}, nil
}

// watchWorld tells of the App's end what its init knows. Everything in a world ends with the init.
func (t *tree) watchWorld() {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if t.app.PID != 0 { // its init is the child of another
			warm.Gone(t.pidfd)
			t.over.Store(true)
			return
		}
		which := -1 // orphans of the App are this shim's, where they have no PID namespace
		if t.world.Level == isolation.Full {
			which = t.id.PID
		}
		for {
			pid, err := unix.Wait4(which, nil, 0, nil)
			if err == nil && pid == which || err != nil && !errors.Is(err, unix.EINTR) {
				t.over.Store(true)
				return
			}
		}
	}()
	end := t.world.Wait()
	t.ended.Store(true)
	e := event{ended: true, code: end.Code}
	if end.Code < 0 {
		e.signal = signalName(end.Signal)
	}
	if end.Left {
		t.events <- e
	}
	if !end.Lost {
		n := int64(t.world.Reaped())
		t.reaped.Store(max(n, t.reaped.Load()))
	}
	<-gone
	t.world.Close()
	e.gone = true
	t.events <- e
}

// killWorld kills the init, and with it, where it has a PID namespace, all at once: what forks faster than
// it is found, too. It needs no /proc, which with hidepid= does not show the init.
func (t *tree) killWorld() {
	if t.world == nil {
		return
	}
	if t.pidfd >= 0 {
		_ = unix.PidfdSendSignal(t.pidfd, unix.SIGKILL, nil, 0)
	} else if !t.over.Load() { // no pidfd before Linux 5.3
		_ = unix.Kill(t.world.PID, unix.SIGKILL)
	}
}

// inWorld are the processes of a world, also where its init, their ancestor, is not shown.
func (t *tree) inWorld(list []proc.Info) []proc.Info {
	if t.app.PID != 0 { // neither its init nor the App descends from this shim
		return t.inTemplate(list)
	}
	if t.world.Level == isolation.Full { // this shim has inits of other worlds
		if t.over.Load() {
			return nil
		}
		return append(proc.Descendants(list, t.id.PID, t.id.PID), proc.Info{ID: t.id, PGID: t.id.PID})
	}
	found := proc.Descendants(list, os.Getpid(), t.id.PID)
	if slices.ContainsFunc(found, func(p proc.Info) bool { return p.PID == t.id.PID }) || t.over.Load() {
		return found
	}
	return append(proc.Descendants(list, t.id.PID, t.id.PID), proc.Info{ID: t.id, PGID: t.id.PID})
}

// own is how many processes of a world are not the App's leftovers: its init, and the App until it ends.
func (t *tree) own() int {
	if t.ended.Load() {
		return 1
	}
	return 2
}

// probe tries how far an App can be isolated, and says what the kernel answered to the next level.
func probe() (isolation.Level, string) {
	missing := ""
	for _, level := range []isolation.Level{isolation.Full, isolation.Files, isolation.Filtered} {
		err := try(level)
		if err == nil {
			return level, missing
		}
		if missing == "" {
			missing = err.Error()
		}
	}
	return isolation.Off, missing
}

func try(level isolation.Level) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	// An App that cannot be executed shows as well that its world could be built.
	start := &isolation.Start{Plan: isolation.Plan{Level: level}, Argv: []string{"/bin/true"}, Dir: "/"}
	init, err := isolation.Bear(level, bornIn(nil, func(int) {}))
	if err != nil {
		return err
	}
	w, err := init.Build(start, nil, null, null)
	if err != nil {
		init.Discard()
		return err
	}
	defer w.Close()
	err = w.Execute()
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return nil
	}
	return err
}
