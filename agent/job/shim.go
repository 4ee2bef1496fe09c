package job

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/logging/plain"
)

// startedShim is the agent's side of a shim that was started and has not done yet what it is asked
// for.
type startedShim struct {
	in     requestEnd
	out    *os.File
	lines  *bufio.Reader // of out
	stderr *os.File      // nil if others keep what the shim writes there
	pid    int           // of the process that was started; 0 if another program started it
	kill   func()        // ends it, if the agent may; nil = it ends with close
	close  func()        // closes what is beside in, out and stderr; nil = nothing
	ended  chan struct{} // closed when the shim has ended, as far as the agent can know
	serves bool          // it may have more jobs, see pool
	made   time.Time     // its start began
	since  time.Time     // when it began to wait
	jobs   int           // so many were given to it while it waited
}

// requestEnd is the agent's end of the shim's stdin; closing it ends the request.
type requestEnd interface {
	io.WriteCloser
	SetWriteDeadline(time.Time) error
}

// errNoAnswer means that a shim ended without an answer.
var errNoAnswer = errors.New("the shim ended without an answer")

// startShim has the runner start a shim.
func (e *Executor) startShim(ctx context.Context) (*startedShim, error) {
	return e.runner.startShim(ctx, e.exe)
}

// ask sends words, if there are any, and reads the answer. more: they are not the last words, so
// the shim's input stays open.
func (h *startedShim) ask(ctx context.Context, words []byte, more bool) (spec.Reply, error) {
	_, _ = h.in.SetWriteDeadline(time.Time{}), h.out.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_, _ = h.in.SetWriteDeadline(past), h.out.SetReadDeadline(past)
	})
	defer stop()
	if words != nil {
		_, err := h.in.Write(words)
		if ctx.Err() != nil {
			_ = h.in.Close() // what the shim has received is no whole line
			return spec.Reply{}, ctx.Err()
		}
		if !more {
			err = errors.Join(err, h.in.Close())
		}
		if err != nil && !brokenPipe(err) {
			return spec.Reply{}, err
		}
	}
	reply, err := h.next()
	if err != nil && ctx.Err() != nil {
		return spec.Reply{}, ctx.Err()
	}
	return reply, err
}

// next reads the next answer.
func (h *startedShim) next() (spec.Reply, error) {
	if h.lines == nil {
		h.lines = bufio.NewReader(h.out)
	}
	var line []byte
	for {
		part, err := h.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return spec.DecodeReply(line)
		case !errors.Is(err, bufio.ErrBufferFull) || len(line) > spec.MaxRecord:
			return spec.Reply{}, errNoAnswer
		}
	}
}

// release closes the agent's ends, which does not disturb the shim.
func (h *startedShim) release() {
	_, _, _ = h.in.Close(), h.out.Close(), h.stderr.Close()
	if h.close != nil {
		h.close()
	}
}

// dismiss releases a shim that will not start anything, and ends it if the agent may.
func (h *startedShim) dismiss() {
	if h.kill != nil {
		h.kill()
	}
	h.release()
}

// awaitEnd waits a moment for the end of a shim, releases it and returns the last lines of its
// stderr.
func (h *startedShim) awaitEnd() (stderr []string) {
	defer h.release()
	select {
	case <-h.ended:
	case <-time.After(2 * time.Second):
	}
	if h.stderr == nil {
		return nil
	}
	data, err := io.ReadAll(io.NewSectionReader(h.stderr, 0, spec.MaxRecord))
	if err != nil {
		return nil
	}
	return strings.FieldsFunc(plain.Tail(plain.Text(string(data)), 2048), func(r rune) bool { return r == '\n' })
}
