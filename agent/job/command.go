package job

import (
	"fmt"
	"os"
	"os/exec"

	"tcenvsvr/agent/job/internal/spec"
)

// startCommand runs a command that is a shim or becomes one, with three files of ours as stdin,
// stdout and stderr.
func startCommand(cmd *exec.Cmd) (*startedShim, error) {
	fail := func(err error) (*startedShim, error) {
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
	stderr, err := scratch() // a file, because a broken pipe would end the shim
	if err != nil {
		_, _ = in.Close(), out.Close()
		return fail(err)
	}
	h := &startedShim{in: in, out: out, stderr: stderr, ended: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = stdin, stdout, stderr, ownSession()
	if err := cmd.Start(); err != nil {
		h.release()
		return fail(err)
	}
	h.pid, h.kill = cmd.Process.Pid, func() { _ = cmd.Process.Kill() }
	go func() { // so that no zombie is left, however long the job takes
		defer close(h.ended)
		_ = cmd.Wait()
	}()
	return h, nil
}
