package shim

import (
	"io"
	"os"
	"runtime/debug"
	"time"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/spec"
)

// agentEnd is what a shim has of its agent: the pipes of its requests and answers. They are closed when
// the App has been started, unless the shim serves: then the agent hears of the job's end by them, and
// has another job for this shim.
//
// One shim for many jobs is no less safe than one for each. A job has ended when the kernel says that
// the shim has no child of it left: what an App starts, however it detaches itself, descends from the shim, its
// subreaper, or dies with the init of its world. Nothing of the last App is there when the next one comes;
// what it could do to the shim of another job before (the same user may signal it, if the App is
// not isolated) it can do to any shim that waits. A job's sockets, pipes, outputs and world are its own,
// and its control group, unless the last App could not write to that and has left nothing in it; the signals
// that came are forgotten with the job. A shim does not serve on if
//
//   - something could not be ended, or its end could not be recorded,
//   - the App had no mounts of its own and the shim is a service of systemd's: the private /tmp, the IPC
//     objects and the keyring of such a service would outlive the job (mayServe).
//
// The shim's number and start time alone do not name a job any more: who ends the shim of a lost job asks
// first whether the shim listens by the token of that job (reap).
type agentEnd struct {
	in      requests
	out     io.Writer
	serving bool
	again   bool          // the last job has ended so that another may follow
	noGroup error         // why no App can have a control group
	group   *cgroup.Group // of the App to come, nil if it is not made yet
	unborn  unborn        // inits of worlds to come

	services Services
	service  Service // of the job to come, nil if that is none

	oomKills   uint64 // on this host, lately
	oomCounted time.Time

	trimming *time.Timer
	trimmed  chan struct{} // closed when trimming is done
}

// answer writes a reply. If nobody reads it any more the shim goes on: the next agent finds the job by
// its folder.
func (a *agentEnd) answer(r spec.Reply) (heard bool) {
	line, err := spec.Encode(r)
	if err == nil {
		_, err = a.out.Write(line)
	}
	return err == nil
}

// tell tells the end of a job to the agent that has another one for this shim, or could have.
func (a *agentEnd) tell(exit spec.Exit, clean bool, level isolation.Level) (heard bool) {
	if !a.serving {
		return false
	}
	a.again = clean && a.mayServe(level)
	heard = a.answer(spec.Reply{Exit: &exit, Ready: a.again})
	a.again = a.again && heard
	return heard
}

// detach closes the agent's pipes, so that nothing happens when the agent ends. Those of a serving shim
// stay: their end is noticed when the job has ended.
func (a *agentEnd) detach(stdin io.Reader, stderr io.Writer) {
	if a.serving {
		detach(nil, nil, stderr)
		return
	}
	detach(stdin, a.out, stderr)
}

// newGroup is the control group of an App, which may be there already; nil with the reason if there can be none.
func (a *agentEnd) newGroup() (g *cgroup.Group, err error) {
	if g = a.group; g != nil {
		a.group = nil
		return g, nil
	}
	if a.noGroup != nil {
		return nil, a.noGroup
	}
	if g, err = cgroup.New(); cgroup.Lasts(err) {
		a.noGroup = err
	}
	return g, err
}

// serve makes ready for jobs.
func (a *agentEnd) serve() {
	a.serving = true
	if a.answer(spec.Reply{Ready: true}) && a.group == nil {
		a.group, _ = a.newGroup() // without, the first job asks why
		a.bear(isolation.Full, false)
	}
}

// bear has inits made of the worlds of the next Apps, if those are like the last one's.
func (a *agentEnd) bear(level isolation.Level, known bool) {
	if !a.serving || !(&isolation.Plan{Level: level}).On() {
		return
	}
	if a.group == nil {
		a.group, _ = a.newGroup()
	}
	a.unborn.make(level, a.group, known)
}

// keep takes back a control group that no App has had.
func (a *agentEnd) keep(g *cgroup.Group) {
	if a.serving && a.group == nil {
		a.group = g
		return
	}
	g.Close()
}

// leave takes back the control group of an App that has ended: the next one has it, if the last could not write
// to it and has left nothing there.
func (a *agentEnd) leave(g *cgroup.Group, level isolation.Level) {
	if a.serving && a.group == nil && (level == isolation.Files || level == isolation.Full) && g.Again(a.unborn.in(g)) {
		a.group = g
		return
	}
	if len(a.unborn.in(g)) > 0 {
		a.unborn.end()
	}
	g.Close()
}

// close removes what no App will have.
func (a *agentEnd) close() {
	a.unborn.end()
	a.group.Close()
	a.group = nil
}

// killedForMemory is how many processes of the host the kernel has ended for memory. Counting all that the
// kernel counts takes it long, so what was known a moment ago is good enough.
func (a *agentEnd) killedForMemory() uint64 {
	if now := time.Now(); now.Sub(a.oomCounted) > countAgain {
		a.oomKills, a.oomCounted = cgroup.HostOOMKills(), now
	}
	return a.oomKills
}

// idle leaves the folder of the last job. A shim that waits long needs little memory.
func (a *agentEnd) idle() {
	_ = os.Chdir("/")
	a.again = false
	done := make(chan struct{})
	a.trimmed = done
	a.trimming = time.AfterFunc(trimAfter, func() { defer close(done); trim() })
}

// busy undoes what idle did for a shim that waits long.
func (a *agentEnd) busy() {
	if a.trimming == nil {
		return
	}
	if !a.trimming.Stop() {
		<-a.trimmed
		debug.SetGCPercent(100)
	}
	a.trimming = nil
}
