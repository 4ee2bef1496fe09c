package job

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"sync"
	"time"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/job/internal/spool"
)

// How the App of a service stands with its broker ([ServiceState].State).
const (
	ServiceUnready   = spec.ServiceUnready
	ServiceConnected = spec.ServiceConnected
	ServiceReady     = spec.ServiceReady
	ServiceGone      = spec.ServiceGone
)

// StartService is [Executor.StartNoted] for the App of a service. Its shim makes a broker first, and build
// makes the Launch that tells the App of it.
func (e *Executor) StartService(ctx context.Context, s Service, build func(Broker) (Launch, error), note func(Status) error) (*Process, error) {
	if NoServices != "" {
		return nil, &StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("starting the App of a service: %s: %w", NoServices, errors.ErrUnsupported)}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	h, broker, err := e.startBroker(ctx, s)
	if err != nil {
		return nil, err
	}
	l, err := build(broker)
	if err != nil {
		h.dismiss()
		return nil, err
	}
	return e.startBy(ctx, l, note, func(ctx context.Context, request []byte, _ *Launch) (*startedShim, spec.Reply, error) {
		reply, err := h.ask(ctx, request, true)
		return h, reply, err
	})
}

// startBroker starts a shim with a broker, which has no job yet.
func (e *Executor) startBroker(ctx context.Context, s Service) (*startedShim, Broker, error) {
	fail := func(err error) (*startedShim, Broker, error) {
		if start, ok := errors.AsType[*StartError](err); ok {
			return nil, Broker{}, start
		}
		return nil, Broker{}, &StartError{Code: spec.CodeShim, Err: fmt.Errorf("starting the shim of a service: %w", err)}
	}
	if err := s.Validate(); err != nil {
		return fail(&StartError{Code: spec.CodeLaunch, Err: err})
	}
	line, err := spec.Encode(spec.Request{Op: spec.OpService, Service: &s})
	if err != nil {
		return fail(err)
	}
	h, err := e.startShim(ctx)
	if err != nil {
		return fail(err)
	}
	reply, err := h.ask(ctx, line, true)
	switch {
	case err != nil && ctx.Err() != nil:
		h.dismiss()
		return fail(&StartError{Code: spec.CodeTimeout, Err: fmt.Errorf("starting the shim of a service: %w", context.Cause(ctx))})
	case err != nil:
		return fail(e.explain(h, err))
	case reply.Broker == nil:
		h.awaitEnd()
		return fail(&StartError{Code: reply.Code, Err: errors.New(reply.Error)})
	}
	return h, *reply.Broker, nil
}

// Said is news of a service: State, or Message, which is an event if Seq is not 0.
type Said struct {
	Seq     int64
	Message json.RawMessage
	State   *ServiceState
}

// Talk is the connection with the App of a service, by its shim. Another one ends it.
type Talk struct {
	conn  net.Conn
	lines *bufio.Scanner
	write sync.Mutex
}

// Talk connects. The first news is the State, events follow from the oldest one that is not taken.
func (p *Process) Talk(ctx context.Context) (*Talk, error) {
	c, err := sock.Dial(ctx, p.dir, p.status.ShimPID, p.status.Token)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte(sock.Service)); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("talking with the service in %q: %w", p.dir, err)
	}
	t := &Talk{conn: c, lines: bufio.NewScanner(c)}
	t.lines.Buffer(nil, spec.MaxWord)
	return t, nil
}

// Next waits for news. An error means that the connection has ended, mostly with the job.
func (t *Talk) Next() (Said, error) {
	for t.lines.Scan() {
		w, err := spec.DecodeWord(t.lines.Bytes())
		if err != nil {
			return Said{}, err
		}
		if w.State != nil || w.Said != nil {
			return Said{Seq: w.Seq, Message: w.Said, State: w.State}, nil
		}
	}
	if err := t.lines.Err(); err != nil {
		return Said{}, err
	}
	return Said{}, io.EOF
}

// Send has a message published to the App.
func (t *Talk) Send(message json.RawMessage) error { return t.say(spec.Word{Send: message}) }

// Taken says that the events up to seq need not be kept.
func (t *Talk) Taken(seq int64) error { return t.say(spec.Word{Taken: seq}) }

// Again asks for the state, and for all events that are not taken, once more.
func (t *Talk) Again() error { return t.say(spec.Word{Again: true}) }

func (t *Talk) say(w spec.Word) error {
	line, err := spec.EncodeWord(w)
	if err != nil {
		return err
	}
	t.write.Lock()
	defer t.write.Unlock()
	_ = t.conn.SetWriteDeadline(time.Now().Add(answerTimeout))
	_, err = t.conn.Write(line)
	return err
}

// Close ends the connection.
func (t *Talk) Close() error { return t.conn.Close() }

// Events calls give with the events that the service in dir has left, after its end. An error that is
// not give's means that there were more, which cannot be read.
func Events(dir string, give func(seq int64, message json.RawMessage) error) error {
	f, err := spec.OpenRegular(dir, filepath.Join(spec.Folder, spec.EventsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the events of the service in %q: %w", dir, err)
	}
	defer f.Close()
	return spool.Read(f, func(seq int64, payload []byte) error { return give(seq, payload) })
}
