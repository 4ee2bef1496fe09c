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
	"tcenvsvr/agent/plain"
)

// hired is a shim that has not answered yet.
type hired struct {
	in     requestEnd
	out    *os.File
	lines  *bufio.Reader // of out
	stderr *os.File      // nil where others keep what it says
	pid    int           // of what was started; 0 where others did
	kill   func()        // ends it, where that is allowed; nil where it ends with close
	close  func()        // lets go of what is beside in, out and stderr; nil = nothing
	ended  chan struct{}
	// answered is closed when the shim has been used, well or not.
	answered chan struct{}
	spare    bool // somebody waits for answered
}

// used says that nobody waits for this shim's answer any more.
func (h *hired) used() {
	if h.spare {
		h.spare = false
		close(h.answered)
	}
}

// requestEnd is the agent's end of the shim's stdin; closing it ends the request.
type requestEnd interface {
	io.WriteCloser
	SetWriteDeadline(time.Time) error
}

// errNoAnswer is the end of a shim that said nothing.
var errNoAnswer = errors.New("the shim ended without an answer")

// hire has the runner start a shim.
func (e *Executor) hire(ctx context.Context) (*hired, error) { return e.runner.hire(ctx, e.exe) }

// ask says words, if there are any, and reads the answer. more: they are not the last ones.
func (h *hired) ask(ctx context.Context, words []byte, more bool) (spec.Reply, error) {
	_, _ = h.in.SetWriteDeadline(time.Time{}), h.out.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_, _ = h.in.SetWriteDeadline(past), h.out.SetReadDeadline(past)
	})
	defer stop()
	if words != nil {
		_, err := h.in.Write(words)
		if ctx.Err() != nil {
			_ = h.in.Close() // what the shim has of it is no whole line
			return spec.Reply{}, ctx.Err()
		}
		if !more {
			err = errors.Join(err, h.in.Close())
		}
		if err != nil && !brokenPipe(err) {
			return spec.Reply{}, err
		}
	}
	if h.lines == nil {
		h.lines = bufio.NewReader(io.LimitReader(h.out, 2*spec.MaxRecord))
	}
	line, err := h.lines.ReadBytes('\n')
	if err != nil {
		if ctx.Err() != nil {
			return spec.Reply{}, ctx.Err()
		}
		return spec.Reply{}, errNoAnswer
	}
	return spec.DecodeReply(line)
}

// release closes the agent's ends; the shim does not mind.
func (h *hired) release() {
	_, _, _ = h.in.Close(), h.out.Close(), h.stderr.Close()
	if h.close != nil {
		h.close()
	}
}

// dismiss releases a shim that will not start anything, and ends it where
// that is allowed.
func (h *hired) dismiss() {
	if h.kill != nil {
		h.kill()
	}
	h.release()
}

// lastWords are the last lines on stderr of a shim that ended, and releases it.
func (h *hired) lastWords() []string {
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
