package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tcenvsvr/agent/job/internal/spec"
)

// requests reads what the agent sends. It keeps nothing of a request in its buffer: a shim outlives
// the job whose secrets came by one.
type requests struct {
	from io.Reader
	buf  []byte // read and not given out
}

// errNoRequest means that the input has ended where a request could have begun.
var errNoRequest = errors.New("the input has ended")

// line returns the next line, of at most so many bytes. The caller clears it.
func (r *requests) line(most int) ([]byte, error) {
	for looked := 0; ; {
		if i := bytes.IndexByte(r.buf[looked:], '\n'); i >= 0 {
			line := bytes.Clone(r.buf[:looked+i+1])
			rest := copy(r.buf, r.buf[len(line):])
			clear(r.buf[rest:])
			r.buf = r.buf[:rest]
			return line, nil
		}
		looked = len(r.buf)
		if looked > most {
			return nil, fmt.Errorf("more than %d bytes", most)
		}
		if looked == cap(r.buf) {
			grown := append(make([]byte, 0, max(4096, 2*looked)), r.buf...)
			clear(r.buf)
			r.buf = grown
		}
		n, err := r.from.Read(r.buf[looked:cap(r.buf)])
		r.buf = r.buf[:looked+n]
		switch {
		case n > 0:
		case errors.Is(err, io.EOF) && looked == 0:
			return nil, errNoRequest
		case err != nil:
			return nil, err
		}
	}
}

// next returns the next request. The errors quote nothing of it, and neither do the decoder's own words
// appear.
func (r *requests) next() (spec.Request, error) {
	var req spec.Request
	line, err := r.line(spec.MaxRequest)
	defer clear(line)
	if err == nil && json.Unmarshal(line, &req) != nil || errors.Is(err, io.EOF) || errors.Is(err, errNoRequest) {
		cause := errors.New("it is incomplete or not ours; the shim is started by the agent, not by hand")
		if errors.Is(err, errNoRequest) {
			cause = fmt.Errorf("%w: the shim is started by the agent, not by hand", errNoRequest)
		}
		return spec.Request{}, launchError(cause)
	}
	if err != nil {
		return spec.Request{}, launchError(err)
	}
	switch {
	case (req.Op == spec.OpReap || req.Op == spec.OpClear) && req.Dir != "", req.Op == spec.OpRead, req.Op == spec.OpProbe,
		req.Op == spec.OpServe, req.Op == spec.OpSweep && req.Agent > 0:
		return req, nil
	case req.Op == spec.OpService && req.Service != nil:
		if err := req.Service.Validate(); err != nil {
			return req, launchError(err)
		}
		return req, nil
	case req.Op != spec.OpStart || req.Launch == nil:
		return req, launchError(fmt.Errorf("unknown operation %.20q", req.Op))
	}
	if err := req.Launch.Validate(); err != nil {
		return req, launchError(fmt.Errorf("checking the launch: %w", err))
	}
	return req, nil
}

func launchError(err error) error {
	return &spec.StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("reading the request: %w", err)}
}
