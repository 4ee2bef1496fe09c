package shim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/logging/plain"
)

// Main is the whole life of a shim process: it reads a Request, answers it and, after a start,
// stays until nothing of the job lives. Where the agent has asked for it (OpServe), more jobs follow,
// one after the other (serve.go). The result is the exit code of the process: 0, or 1 if a request was
// not fulfilled.
//
// services is nil in a program that does not have it: such a shim becomes one that has (service.go).
func Main(stdin io.Reader, stdout, stderr io.Writer, services Services) int {
	if isInit(os.Args) {
		return initMain()
	}
	hide()
	debug.SetTraceback("none") // a crash must not print arguments that could be secrets
	runtime.GOMAXPROCS(1)      // one job at a time: threads would do little but wake each other
	agent := &agentEnd{in: requests{from: stdin}, out: stdout, services: services}
	defer agent.close()
	if s, is := becomes(os.Args); is {
		if err := agent.makeService(s); err != nil {
			return refuse(agent, stderr, err)
		}
	}
	for {
		req, err := agent.in.next()
		if agent.serving && errors.Is(err, errNoRequest) { // the agent needs this shim no more, or is gone
			return 0
		}
		if err == nil {
			agent.busy()
			switch req.Op {
			case spec.OpServe:
				agent.serve()
				continue
			case spec.OpService:
				if err = agent.makeService(*req.Service); err == nil {
					continue
				}
			case spec.OpStart:
				if err = agent.run(req.Launch, stdin, stderr); err == nil && agent.again {
					agent.idle()
					agent.bear(req.Launch.Isolation.Level, true)
					continue
				}
			default:
				var reply spec.Reply
				if reply, err = other(req); err == nil {
					agent.answer(reply)
				}
			}
		}
		if err != nil {
			return refuse(agent, stderr, err)
		}
		return 0
	}
}

// run is the life of one job. After an error nothing of it runs.
func (a *agentEnd) run(l *spec.Launch, stdin io.Reader, stderr io.Writer) error {
	signals := harden()
	s, err := prepare(l, a)
	if err != nil {
		return err
	}
	a.answer(spec.Reply{Status: &s.status})
	if err := s.start(); err != nil {
		return err
	}
	a.answer(spec.Reply{Status: &s.status})
	a.detach(stdin, stderr)
	s.launched()
	s.supervise(signals)
	if a.again {
		signal.Stop(signals) // a shim that waits ends by them
	}
	return nil
}

// other fulfils a request that starts nothing.
func other(req spec.Request) (reply spec.Reply, err error) {
	switch req.Op {
	case spec.OpProbe:
		reply.Limits, reply.Unlimited = limitable() // before there are other processes in its group
		reply.Level, reply.Missing = probe()
	case spec.OpReap:
		reply.Killed, err = reap(req.Dir, req.Status)
	case spec.OpSweep:
		reply.Killed, err = sweep(req.Agent, req.Living)
	case spec.OpClear:
		err = clearDir(req.Dir)
	case spec.OpRead:
		err = readable(req.Paths)
	}
	return reply, err
}

// refuse answers why nothing was done, and writes it to stderr for people.
func refuse(a *agentEnd, stderr io.Writer, err error) int {
	code := spec.CodeShim
	if e, ok := errors.AsType[*spec.StartError](err); ok {
		code = e.Code
	}
	fmt.Fprintln(stderr, err)
	a.answer(spec.Reply{Code: code, Error: plain.Tail(plain.Text(err.Error()), 2048)})
	return 1
}

// prepare does everything that comes before the App is executed. After an error nothing will be
// executed.
func prepare(l *spec.Launch, a *agentEnd) (*supervisor, error) {
	l.Grace = orDefault(l.Grace, spec.DefaultGrace)
	l.MaxOutput = orDefault(l.MaxOutput, spec.DefaultMaxOutput)
	if l.WorkDir == "" {
		l.WorkDir = l.Dir
	}
	self, err := proc.Of(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("identifying the shim: %w", err)
	}
	s := &supervisor{
		launch: l, agent: a,
		logs: newLogs(l), kept: kept{launch: l}, started: time.Now().UTC(), status: spec.Status{
			State: spec.Starting, ShimPID: self.PID, ShimStart: self.Start, BootID: proc.BootID(), Token: rand.Text(), Files: l.FilePaths(),
		},
	}
	if err := enter(l.Dir, &s.status); err != nil {
		return nil, err
	}
	unable := s.begin()
	if s.reserve, err = claim(l.Dir, &s.status); err != nil {
		s.letGo()
		return nil, err
	}
	if err = unable; err == nil {
		err = s.prepare()
	}
	if err != nil {
		s.abandon(spec.ReasonStartFailed, err)
		return nil, err
	}
	return s, nil
}

// start executes the App, once the agent has noted that it may. After an error nothing of the job
// runs.
func (s *supervisor) start() error {
	if word, err := s.agent.in.line(len(spec.Go)); string(word) != spec.Go { // the input ends when the agent dies
		if err == nil {
			err = fmt.Errorf("it sent %.20q", word)
		}
		err = &spec.StartError{Code: spec.CodeGivenUp, Err: fmt.Errorf("waiting for the agent to note the start: %w", err)}
		s.abandon(spec.ReasonGivenUp, err)
		return err
	}
	if err := s.execute(); err != nil {
		s.abandon(spec.ReasonStartFailed, err)
		return err
	}
	return nil
}

func orDefault[T time.Duration | int64](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}
