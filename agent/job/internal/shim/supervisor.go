package shim

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"tcenvsvr/agent/host/memory"
	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/spec"
)

const (
	leftoverGrace   = 2 * time.Second       // between TERM and KILL, for what the App left behind
	killEvery       = 10 * time.Millisecond // while something survives KILL, at first; then less and less often
	killSeldom      = time.Second
	shutdownTimeout = 10 * time.Second // for a service App to end by itself
	drainTimeout    = 2 * time.Second  // for a pipe that another process holds open
	refusedFor      = 10 * time.Second // then processes that may not be killed are reported and left
	tiedTimeout     = 5 * time.Second  // for the owner of a tied job to connect, or to connect again
	recordTimeout   = time.Hour        // for a disk on which the record of the end cannot be written
	recordRetry     = time.Second
	countAgain      = time.Second            // for what ends for memory on this host
	trimAfter       = 500 * time.Millisecond // of the run, memory that only the start needed is given back
	trimService     = 30 * time.Second       // and again while a service runs, which works now and then for weeks
)

// supervisor is one job: prepare and start make it, supervise stays until its end.
type supervisor struct {
	launch  *spec.Launch
	agent   *agentEnd
	started time.Time
	status  spec.Status
	server  *server
	reserve *os.File
	out     [2]*output    // stdout, stderr
	world   *world        // prewarmed, nil if there is none
	warm    *warmApp      // what a template makes of the App, nil if it does not
	group   *cgroup.Group // of the App, nil if it has none of its own
	noGroup error         // why not, if that is known
	beside  bool          // group is beside that of a template, in another service
	tree    *tree
	service Service // nil if it is none
	unfit   string  // why the template that this job is cannot serve
	logs    *logs
	kept    kept

	exit     spec.Exit
	ended    bool      // the App itself has ended
	oomKills uint64    // of the host, before the App could be one
	refused  time.Time // since when nothing but refusals answer KILL
	hopeless bool      // what is left cannot be ended
}

// event is news of the tree.
type event struct {
	ended  bool   // the App ended, so
	code   int    // -1 if by a signal
	signal string // "SIGKILL"
	gone   bool   // nothing of the tree lives
}

// begin has the App's world built, which goes on beside all else that is prepared: it takes longest.
func (s *supervisor) begin() (err error) {
	for i := range s.out {
		if s.out[i], err = newOutput(); err != nil {
			return fmt.Errorf("making a pipe: %w", err)
		}
	}
	if err := s.limit(); err != nil {
		return err
	}
	return s.prepareWorld()
}

// prepare makes what the App needs beside its world, in a folder that was claimed.
func (s *supervisor) prepare() (err error) {
	if s.server, err = listen(s.launch, s.status.Token); err != nil {
		return folderError(fmt.Errorf("making the shim's socket: %w", err))
	}
	if s.launch.Template {
		s.server.order, s.server.key = s.giveOrder, s.launch.Key
	}
	if err := writeFiles(s.launch); err != nil {
		return err
	}
	return s.openService()
}

// execute executes the App.
func (s *supervisor) execute() (err error) {
	s.started = time.Now().UTC()
	if s.launch.Isolation.On() {
		s.tree, err = s.spawnIsolated()
	} else {
		s.tree, err = spawn(s.launch, s.group, s.out[0].app, s.out[1].app)
	}
	if err != nil {
		return err
	}
	s.out[0].keep(spec.StdoutFile, s.launch.MaxOutput)
	s.out[1].keep(spec.StderrFile, s.launch.MaxOutput)
	s.status.State, s.status.AppPID, s.status.AppStart = spec.Running, s.tree.id.PID, s.tree.id.Start
	if s.status.Executed = s.tree.executed; s.status.Executed.IsZero() {
		s.status.Executed = time.Now()
	}
	return nil
}

// now is the time by the clock of the start: the times of an Exit are its duration apart, even if
// the clock was set meanwhile.
func (s *supervisor) now() time.Time { return s.started.Add(time.Since(s.started)) }

// abandon records a start that failed, for the next agent if this one died before it read the
// reply.
func (s *supervisor) abandon(reason string, err error) {
	removeFiles(s.launch.Dir, s.status.Files)
	code := spec.CodeStart
	if e, ok := errors.AsType[*spec.StartError](err); ok {
		code = e.Code
	}
	s.closeService()
	s.letGo()
	s.exit = spec.Exit{Code: -1, Reason: reason, Error: code + ": " + err.Error(), Started: s.started, Ended: s.now()}
	s.record()
}

// letGo ends the world that the App does not get.
func (s *supervisor) letGo() {
	s.warm.Close()
	s.world.Close() // an init that has not executed the App ends by it
	s.group.Close()
}

// launched begins what can wait until the agent is answered.
func (s *supervisor) launched() {
	s.launch.Env, s.launch.Argv, s.launch.Files = nil, nil, nil
	s.oomKills = s.agent.killedForMemory()
	_ = writeState(s.reserve, s.status) // if that fails it stays "starting", which names the shim and is enough
	s.server.serve()
	for _, o := range s.out {
		o.collect()
	}
	if s.service != nil {
		s.service.Started(s.tree.sockets)
	}
	go s.tree.watch()
}

// supervise stays until nothing of the job lives and has recorded it.
func (s *supervisor) supervise(signals <-chan os.Signal) {
	var timeout, grace, kill, deserted, asked <-chan time.Time
	if s.launch.Timeout > 0 {
		timeout = time.After(s.launch.Timeout - time.Since(s.started))
	}
	tied := s.launch.Tied || s.launch.Template
	if tied {
		deserted = time.After(tiedTimeout)
	}
	trimming, pause, look := time.After(trimAfter), killEvery, s.logs.next()
	// end asks everything to end, and kills what is left after the grace period.
	end := func(period time.Duration) {
		s.tree.terminate()
		grace = time.After(period)
	}
	stop := func(reason, message string) {
		if s.exit.Reason == "" && !s.ended {
			s.exit.Reason, s.exit.Error = reason, message
			end(s.launch.Grace)
		}
	}
	// cancel lets a service App end by itself first.
	cancel := func(message string) {
		if s.exit.Reason == "" && !s.ended && s.shutdown() {
			s.exit.Reason, s.exit.Error = spec.ReasonCancelled, message
			asked = time.After(shutdownTimeout)
			return
		}
		stop(spec.ReasonCancelled, message)
	}
	for gone := false; !gone; {
		select {
		case <-s.server.cancel:
			cancel("")
		case <-asked:
			if !s.ended {
				end(s.launch.Grace)
			}
		case why := <-s.silent():
			stop(spec.ReasonSilent, why)
		case <-s.server.waits:
			switch {
			case !tied:
			case s.server.attended():
				deserted = nil
			case deserted == nil:
				deserted = time.After(tiedTimeout)
			}
		case <-deserted:
			if s.launch.Template {
				s.drain()
				continue
			}
			cancel("the process that started it is gone")
		case <-timeout:
			stop(spec.ReasonTimedOut, "")
		case sig := <-signals:
			if mustEnd(sig) { // the host shuts down, or an administrator ends the shim
				stop(spec.ReasonShimLost, fmt.Sprintf("the shim was told to end by signal %q", sig))
			}
		case e := <-s.tree.events:
			if e.ended {
				s.ended, s.exit.Code, s.exit.Signal = true, e.code, e.signal
				if !e.gone {
					s.kept.remember() // before anything is asked to end, which could write
				}
				if !e.gone && kill == nil {
					end(min(leftoverGrace, s.launch.Grace))
				}
			}
			gone = e.gone
		case <-grace:
			gone = s.kill()
			kill = time.After(pause)
		case <-kill:
			gone = s.kill()
			pause = min(2*pause, killSeldom)
			kill = time.After(pause)
		case <-look:
			s.logs.look(false)
			look = s.logs.next()
		case <-trimming:
			trim()
			if s.service != nil {
				trimming = time.After(trimService)
			}
		}
	}
	s.finish()
}

// trim halves the memory of a shim, which waits and needs little.
func trim() {
	debug.SetGCPercent(10) // else looking at the App's logs would leave 4 MiB of garbage, in hours
	memory.Trim()
}

// kill ends everything that is there now. hopeless: the rest belongs to other users and cannot be
// killed, however long it is tried.
func (s *supervisor) kill() (hopeless bool) {
	alive, refused := s.tree.kill()
	switch {
	case refused == 0 || refused < alive:
		s.refused = time.Time{}
	case s.refused.IsZero():
		s.refused = time.Now()
	case time.Since(s.refused) > refusedFor:
		s.exit.Error = fmt.Sprintf("%d processes of other users could not be ended", refused)
		if !s.ended {
			s.exit.Code = -1
		}
		s.hopeless = true
		return true
	}
	return false
}

// finish closes everything and records the end.
func (s *supervisor) finish() {
	s.closeService()
	for i, o := range s.out {
		result, last := o.finish()
		if i == 0 {
			s.exit.Stdout = result
		} else {
			s.exit.Stderr, s.exit.StderrTail = result, string(last)
		}
	}
	s.exit.Log = s.logs.finish()
	if err := s.kept.restore(); err != nil && s.exit.Error == "" {
		s.exit.Error = err.Error()
	}
	removeFiles(s.launch.Dir, s.status.Files)
	if s.launch.OwnerUID != os.Geteuid() {
		share(s.launch.Dir)
	}
	s.explainMemory()
	if s.exit.Error == "" {
		s.exit.Error = s.unfit
	}
	s.agent.leave(s.group, s.launch.Isolation.Level)
	s.exit.Killed = s.tree.killed()
	if !s.hopeless {
		s.tree.close()
	}
	s.exit.Started, s.exit.Ended = s.started, s.now()
	s.record()
}

// record writes the exit and tells it to the agent. No file is made in the folder once the agent
// knows, because the agent may remove the folder.
//
// An agent that this shim serves has the exit in its own journal within moments, or makes the record
// durable itself ([job.KeepExit]) if that will take longer. Nobody else is certain to: without such an agent
// the record is made durable here. (If agent and host both die within the moments between, the record is as
// durable as any file that was not synced; if it is lost, the order ends as one whose outcome is not known.)
func (s *supervisor) record() {
	exit := spec.Bounded(s.exit)
	line, err := spec.Encode(exit)
	if err != nil {
		return // cannot be: an Exit has nothing that does not encode
	}
	err = writeExit(s.reserve, line)
	if s.server != nil {
		s.server.finish(line)
		defer s.server.close()
	}
	heard := false
	if s.status.State == spec.Running {
		heard = s.agent.tell(exit, err == nil && !s.hopeless, s.launch.Isolation.Level)
	}
	if err != nil && s.tree != nil {
		s.retryRecord(line)
	}
	if heard {
		_ = s.reserve.Close()
		return
	}
	syncExit(s.reserve)
}

// retryRecord keeps the exit in memory when its record cannot be written because of the disk, until
// it can be written or the agent has noted it. In a folder that was removed it is of no use to anybody.
func (s *supervisor) retryRecord(line []byte) {
	for until := time.Now().Add(recordTimeout); time.Now().Before(until) && !removed("."); {
		select {
		case <-s.server.noted:
			return
		case <-time.After(recordRetry):
			if writeExit(s.reserve, line) == nil {
				return
			}
		}
	}
}
