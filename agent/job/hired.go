package job

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"tcenvsvr/agent/job/internal/spec"
)

// hired is a shim process that has not answered yet.
type hired struct {
	cmd    *exec.Cmd
	in     *os.File // the shim's stdin
	out    *os.File // its stdout
	stderr *os.File // its stderr: a file, because the break of a pipe would end it
	ended  chan struct{}
	// answered is closed when the shim has been used, well or not.
	answered chan struct{}
}

// errNoAnswer is the end of a shim that said nothing.
var errNoAnswer = errors.New("the shim ended without an answer")

// hire starts a shim, or sudo that becomes its parent.
func (e *Executor) hire(ctx context.Context) (*hired, error) {
	cmd, err := e.runner.Command(ctx, e.exe, ShimCommand)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*hired, error) {
		return nil, &StartError{Code: spec.CodeShim, Err: fmt.Errorf("starting the shim: %w", err)}
	}
	stdin, in, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	defer stdin.Close()
	out, stdout, err := os.Pipe()
	if err != nil {
		_ = in.Close()
		return fail(err)
	}
	defer stdout.Close()
	stderr, err := scratch()
	if err != nil {
		_, _ = in.Close(), out.Close()
		return fail(err)
	}
	h := &hired{cmd: cmd, in: in, out: out, stderr: stderr, ended: make(chan struct{}), answered: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = stdin, stdout, stderr, ownSession()
	if err := cmd.Start(); err != nil {
		close(h.ended)
		h.release()
		return fail(err)
	}
	go func() { // a zombie is not left, however long the job takes
		defer close(h.ended)
		_ = cmd.Wait()
	}()
	return h, nil
}

// ask sends the request, if there is one, and reads the answer.
func (h *hired) ask(ctx context.Context, request []byte) (spec.Reply, error) {
	_, _ = h.in.SetDeadline(time.Time{}), h.out.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() {
		past := time.Unix(1, 0)
		_, _ = h.in.SetDeadline(past), h.out.SetDeadline(past)
	})
	defer stop()
	if request != nil {
		_, err := h.in.Write(request)
		if ctx.Err() != nil {
			_ = h.in.Close() // what the shim has of it is no whole request
			return spec.Reply{}, ctx.Err()
		}
		if err = errors.Join(err, h.in.Close()); err != nil && !brokenPipe(err) {
			return spec.Reply{}, err
		}
	}
	line, err := bufio.NewReader(io.LimitReader(h.out, spec.MaxRecord)).ReadBytes('\n')
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
}

// dismiss releases a shim that will not start anything, and ends it where
// that is allowed.
func (h *hired) dismiss() {
	_ = h.cmd.Process.Kill()
	h.release()
}

// lastWords are the last lines on stderr of a shim that ended, and releases it.
func (h *hired) lastWords() []string {
	defer h.release()
	select {
	case <-h.ended:
	case <-time.After(2 * time.Second):
	}
	data, err := io.ReadAll(io.NewSectionReader(h.stderr, 0, spec.MaxRecord))
	if err != nil {
		return nil
	}
	return strings.FieldsFunc(spec.Clean(string(data), 2048), func(r rune) bool { return r == '\n' })
}
