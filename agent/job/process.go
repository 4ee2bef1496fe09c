package job

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"tcenvsvr/agent/job/internal/proc"
	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
)

// Process is a job that runs, or did. It is safe for concurrent use.
type Process struct {
	e      *Executor
	dir    string
	status Status
	key    string // of a template

	// end is closed when the shim has told the end to this agent, or cannot any more; nil where it tells
	// it to those who ask only. exit is nil if it did not tell it.
	end  chan struct{}
	exit *Exit
}

// Status says who runs the job, as it was when the Process was made.
func (p *Process) Status() Status { return p.status }

// Dir is the job's folder.
func (p *Process) Dir() string { return p.dir }

// Wait returns when nothing of the job lives any more: it ended by itself, was cancelled or timed
// out, or its shim was lost and the rest has been ended. It may be called any number of times. The
// only error is that of ctx.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	exit, err := p.wait(ctx)
	if err == nil {
		p.e.ended(p)
	}
	return exit, err
}

func (p *Process) wait(ctx context.Context) (Exit, error) {
	if p.end != nil {
		select {
		case <-p.end:
		case <-ctx.Done():
			return Exit{}, ctx.Err()
		}
		if p.exit != nil {
			return *p.exit, nil
		}
	}
	for delay := 2 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		if line, err := p.talk(ctx, sock.Wait); err == nil {
			if exit, err := spec.DecodeExit(line); err == nil {
				return exit, nil
			}
		}
		if ctx.Err() != nil {
			return Exit{}, ctx.Err()
		}
		alive := p.alive() // asked before the record is read: the record is written before the shim ends
		if exit, ok, _ := ReadExit(p.dir); ok {
			return exit, nil
		}
		if !alive {
			if exit := p.lost(ctx); ctx.Err() == nil {
				return exit, nil
			}
			return Exit{}, ctx.Err()
		}
		select { // the shim is about to start or end, or its socket was taken away
		case <-time.After(delay):
		case <-ctx.Done():
			return Exit{}, ctx.Err()
		}
	}
}

// lost ends what a lost shim left and returns an Exit that says that the outcome is unknown.
func (p *Process) lost(ctx context.Context) Exit {
	exit := Exit{Code: -1, Reason: ReasonShimLost, Error: "the shim ended without a record", Ended: time.Now()}
	if p.status.BootID != proc.BootID() {
		exit.Error = "the host was restarted"
		return exit
	}
	if _, _, err := ReadExit(p.dir); err != nil {
		exit.Error += ": " + err.Error()
	}
	var err error
	if exit.Killed, err = p.e.reap(ctx, p.dir, &p.status); err != nil {
		exit.Error += ": " + err.Error()
	}
	p.e.log.Warn("shim was lost", "dir", p.dir, "shim_pid", p.status.ShimPID, "killed", exit.Killed, "err", exit.Error)
	return exit
}

// answerTimeout bounds the wait for a shim that lives and does not answer.
const answerTimeout = 5 * time.Second

// Cancel asks the shim to end the whole tree: TERM, grace, KILL. It returns when the shim has
// confirmed that; [Process.Wait] returns the end. Cancelling a job that has ended does nothing. If
// the App took the socket away, or the shim hangs, everything is killed at once, and Wait says that
// the shim was lost.
func (p *Process) Cancel(ctx context.Context) error {
	begun := time.Now()
	for delay := 2 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		line, err := p.talk(ctx, sock.Cancel)
		if err == nil && string(line) == sock.OK {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cancelling the job in %q: %w", p.dir, ctx.Err())
		}
		if _, ok, _ := ReadExit(p.dir); ok || !p.alive() {
			return nil
		}
		if time.Since(begun) > answerTimeout {
			_, err := p.e.reap(ctx, p.dir, &p.status)
			return err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return fmt.Errorf("cancelling the job in %q: %w", p.dir, ctx.Err())
		}
	}
}

// End kills at once whatever can be found of a job, its shim as well, and asks nobody.
func (p *Process) End(ctx context.Context) error {
	p.e.ended(p) // what is left of it from now on belongs to no job
	_, err := p.e.reap(ctx, p.dir, &p.status)
	return err
}

// Noted tells the shim of a job that has ended that its Exit is stored elsewhere by now. A shim is
// still there if it could not write the Exit down.
func (e *Executor) Noted(ctx context.Context, dir string, s Status) error {
	p := &Process{e: e, dir: dir, status: s}
	if _, ok, _ := ReadExit(dir); ok || !p.alive() {
		return nil
	}
	_, err := p.talk(ctx, sock.Noted)
	return err
}

// talk sends verb and returns the line that answers it.
func (p *Process) talk(ctx context.Context, verb string) ([]byte, error) {
	if verb != sock.Wait {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, answerTimeout)
		defer stop()
	}
	c, err := sock.Dial(ctx, p.dir, p.status.ShimPID, p.status.Token)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	if _, err := c.Write([]byte(verb)); err != nil {
		return nil, err
	}
	return bufio.NewReader(io.LimitReader(c, spec.MaxRecord)).ReadBytes('\n')
}

// alive reports whether the shim runs, on this boot of the host.
func (p *Process) alive() bool {
	return p.status.BootID == proc.BootID() && proc.Alive(proc.ID{PID: p.status.ShimPID, Start: p.status.ShimStart})
}
