package shim

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"tcenvsvr/agent/job/internal/cgroup"
	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/logging/plain"
)

// Main is the whole life of a shim process: it reads a Request, answers it and, after a start,
// stays until nothing of the job lives. The result is the exit code of the process: 0, or 1 if the
// request was not fulfilled.
func Main(stdin io.Reader, stdout, stderr io.Writer) int {
	if isInit(os.Args) {
		return initMain()
	}
	world, group, noGroup := prewarm(stdin)
	hide()
	debug.SetTraceback("none") // a crash must not print arguments that could be secrets
	in := bufio.NewReader(io.LimitReader(stdin, spec.MaxRequest+int64(len(spec.Go))))
	req, err := readRequest(in)
	if err != nil {
		group.Close()
		return refuse(stdout, stderr, &spec.StartError{Code: spec.CodeLaunch, Err: err})
	}
	if req.Op != spec.OpStart {
		var reply spec.Reply
		if req.Op == spec.OpProbe {
			reply.Limits, reply.Unlimited = limitable(group, noGroup)
		}
		world.Close()
		group.Close()
		switch req.Op {
		case spec.OpProbe:
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
		if err != nil {
			return refuse(stdout, stderr, err)
		}
		answer(stdout, reply)
		return 0
	}
	signals := harden()
	s, err := prepare(req.Launch, world, group, noGroup)
	if err != nil {
		return refuse(stdout, stderr, err)
	}
	answer(stdout, spec.Reply{Status: &s.status})
	if err := s.start(in); err != nil {
		return refuse(stdout, stderr, err)
	}
	answer(stdout, spec.Reply{Status: &s.status})
	detach(stdin, stdout, stderr)
	s.launched()
	s.supervise(signals)
	return 0
}

func readRequest(r *bufio.Reader) (spec.Request, error) {
	var req spec.Request
	data, err := r.ReadBytes('\n')
	defer clear(data)
	switch {
	case len(data) > spec.MaxRequest:
		return req, fmt.Errorf("reading the request: more than %d bytes", spec.MaxRequest)
	case err != nil && !errors.Is(err, io.EOF):
		return req, fmt.Errorf("reading the request: %w", err)
	}
	if err != nil || json.Unmarshal(data, &req) != nil {
		// The decoder's own words could quote the request.
		return spec.Request{}, errors.New("reading the request: it is incomplete or not ours; the shim is started by the agent, not by hand")
	}
	switch {
	case (req.Op == spec.OpReap || req.Op == spec.OpClear) && req.Dir != "", req.Op == spec.OpRead, req.Op == spec.OpProbe, req.Op == spec.OpSweep && req.Agent > 0:
		return req, nil
	case req.Op != spec.OpStart || req.Launch == nil:
		return req, fmt.Errorf("reading the request: unknown operation %.20q", req.Op)
	}
	if err := req.Launch.Validate(); err != nil {
		return req, fmt.Errorf("checking the launch: %w", err)
	}
	return req, nil
}

// refuse answers why nothing was done, and writes it to stderr for people.
func refuse(stdout, stderr io.Writer, err error) int {
	code := spec.CodeShim
	if e, ok := errors.AsType[*spec.StartError](err); ok {
		code = e.Code
	}
	fmt.Fprintln(stderr, err)
	answer(stdout, spec.Reply{Code: code, Error: plain.Tail(plain.Text(err.Error()), 2048)})
	return 1
}

// answer writes the reply. If nobody reads it any more the shim goes on: the next agent finds the
// job by its folder.
func answer(stdout io.Writer, r spec.Reply) {
	if line, err := spec.Encode(r); err == nil {
		_, _ = stdout.Write(line)
	}
}

// prepare does everything that comes before the App is executed. After an error nothing will be
// executed.
func prepare(l *spec.Launch, w *world, g *cgroup.Group, noGroup error) (*supervisor, error) {
	l.Grace = orDefault(l.Grace, spec.DefaultGrace)
	l.MaxOutput = orDefault(l.MaxOutput, spec.DefaultMaxOutput)
	if l.WorkDir == "" {
		l.WorkDir = l.Dir
	}
	self, err := proc.Of(os.Getpid())
	if err != nil {
		g.Close()
		return nil, fmt.Errorf("identifying the shim: %w", err)
	}
	s := &supervisor{launch: l, world: w, group: g, noGroup: noGroup, logs: newLogs(l), kept: kept{launch: l}, started: time.Now().UTC(), status: spec.Status{
		State: spec.Starting, ShimPID: self.PID, ShimStart: self.Start, BootID: proc.BootID(), Token: rand.Text(), Files: l.FilePaths(),
	}}
	if s.reserve, err = claim(l.Dir, &s.status); err != nil {
		g.Close()
		return nil, err
	}
	if err := s.prepare(); err != nil {
		s.abandon(spec.ReasonStartFailed, err)
		return nil, err
	}
	return s, nil
}

// start executes the App, once the agent has noted that it may. After an error nothing of the job
// runs.
func (s *supervisor) start(in *bufio.Reader) error {
	if word, err := in.ReadString('\n'); word != spec.Go { // the input ends when the agent dies
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
