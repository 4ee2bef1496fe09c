package shim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/isolation"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/logging/plain"
)

// limit bounds what the App will be able to take, in a control group of its own where it can have
// one. What is bounded there needs no limit of each process.
func (s *supervisor) limit() error {
	l := &s.launch.Limits
	s.group, s.noGroup = s.agent.newGroup()
	if err := s.bound(); err != nil {
		return err
	}
	if s.group.Limits("pids") {
		l.Processes = 0
	}
	if l.Memory > 0 && !limitsMemory && !s.group.Limits("memory") {
		why := errors.New("the memory controller is not delegated")
		if s.noGroup != nil {
			why = s.noGroup
		}
		s.status.Unlimited = plain.Tail(plain.Text(why.Error()), spec.MaxUnlimited)
	}
	return nil
}

// bound sets the limits of the App's group.
func (s *supervisor) bound() error {
	l := s.launch.Limits
	if l.Tasks > 0 && s.launch.Isolation.Level == isolation.Full {
		l.Tasks += s.agent.unborn.room(s.group)
	}
	if err := s.group.Set(cgroup.Limits{Memory: l.Memory, Tasks: l.Tasks, CPUWeight: l.CPUWeight}); err != nil {
		return &spec.StartError{Code: spec.CodeShim, Err: err}
	}
	return nil
}

// limitable finds out which limits hold for each App, and why that is not all, by a control group
// that it makes and removes.
func limitable() (holds []string, missing string) {
	if limitsMemory {
		return []string{spec.LimitMemory, spec.LimitTasks}, "this system gives no job a share of the CPU"
	}
	g, noGroup := cgroup.New()
	var lacks []string
	for _, c := range []struct{ controller, limit string }{{"memory", spec.LimitMemory}, {"pids", spec.LimitTasks}, {"cpu", spec.LimitCPU}} {
		if g.Limits(c.controller) {
			holds = append(holds, c.limit)
		} else {
			lacks = append(lacks, c.controller)
		}
	}
	g.Close()
	switch {
	case noGroup != nil:
		missing = noGroup.Error()
	case len(lacks) > 0:
		missing = fmt.Sprintf("the control groups here lack the controllers %s", strings.Join(lacks, ", "))
	}
	return holds, missing
}

// explainMemory finds out whether the kernel ended the App because memory was short. The App's own
// group knows. Without one, an App that was killed by nobody we know, while the kernel ended
// processes of this host for that reason, is taken to be one of them: it goes first (confine).
func (s *supervisor) explainMemory() {
	if s.exit.Reason != "" || s.exit.Signal != "SIGKILL" {
		return
	}
	memory := s.launch.Limits.Memory
	s.agent.oomCounted = time.Time{}
	switch {
	case s.group.Limits("memory"):
		if s.group.OOMKills() == 0 {
			return
		}
		s.exit.Error = "the kernel ended the App because the host, or the service that it runs in, had no memory left"
		if memory > 0 {
			s.exit.Error = fmt.Sprintf("the App took more memory than its limit of %d MiB, and the kernel ended it", memory>>20)
		}
	case cgroup.HostOOMKills() > s.oomKills:
		s.exit.Error = "the App was killed while the kernel ended processes because the host had no memory left"
	default:
		return
	}
	s.exit.Reason = spec.ReasonOutOfMemory
}
