package job

import (
	"fmt"
	"os"
	"os/exec"

	"tcenvsvr/agent/job/internal/spec"
)

// startShim runs a prepared command that is a shim, or becomes one, over three files of ours.
func startShim(cmd *exec.Cmd) (*hired, error) {
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
	stderr, err := scratch() // a file, because the break of a pipe would end the shim
	if err != nil {
		_, _ = in.Close(), out.Close()
		return fail(err)
	}
	h := &hired{in: in, out: out, stderr: stderr, ended: make(chan struct{}), answered: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = stdin, stdout, stderr, ownSession()
	if err := cmd.Start(); err != nil {
		h.release()
		return fail(err)
	}
	h.pid, h.kill = cmd.Process.Pid, func() { _ = cmd.Process.Kill() }
	go func() { // a zombie is not left, however long the job takes
		defer close(h.ended)
		_ = cmd.Wait()
	}()
	return h, nil
}
