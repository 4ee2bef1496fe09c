package become

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// name is the name of this program, wherever its file is.
const name = "tcenvsvr"

// Limits of Run. The process of a lesser user must not be able to use up root's time or memory.
const (
	mostAnswer = 64 << 20
	timeout    = 2 * time.Minute
)

// Run runs this program with args as the owner of path, from a process that stays root, and returns
// what it writes to standard output, at most 64 MiB. Where this process is not root, or root owns
// path, it runs the program as itself. The error ends with what the program printed last.
func Run(ctx context.Context, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	u, err := Owner(path)
	if err != nil {
		return nil, err
	}
	var c *exec.Cmd
	if u != nil {
		c, err = u.Command(ctx, args...)
	} else {
		c, err = plain(ctx, args...)
	}
	if err != nil {
		return nil, err
	}
	var printed end
	c.Stderr = &printed
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("running %q: %w", strings.Join(args, " "), err)
	}
	answer, err := io.ReadAll(io.LimitReader(out, mostAnswer+1))
	if len(answer) > mostAnswer {
		err = fmt.Errorf("it answered more than %d bytes", mostAnswer)
		cancel()
	}
	if ended := c.Wait(); err == nil && ended != nil {
		if err = ended; len(printed) > 0 {
			err = errors.New(strings.TrimSpace(strings.TrimPrefix(string(printed), "tcenvsvr: ")))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("running %q: %w", strings.Join(args, " "), err)
	}
	return answer, nil
}

// end keeps the last 4 KiB that are written to it.
type end []byte

func (e *end) Write(b []byte) (int, error) {
	const most = 4 << 10
	*e = append(*e, b[max(0, len(b)-most):]...)
	*e = (*e)[max(0, len(*e)-most):]
	return len(b), nil
}

func plain(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c := exec.CommandContext(ctx, program, args...)
	c.Args[0] = name
	c.WaitDelay = 5 * time.Second
	return c, nil
}
