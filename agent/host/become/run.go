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

// name is what this program is called, wherever it lies.
const name = "tcenvsvr"

// Bounds of Run. What a lesser user's process answers is not to be trusted
// with root's time and memory.
const (
	mostAnswer = 64 << 20
	patience   = 2 * time.Minute
)

// Run runs this program with args as the owner of path, for a process of root that
// stays root, and returns what it writes to standard output, at most 64 MiB. A
// process that is not root, or whose root owns path, runs it as itself. The error has what
// the program said last.
func Run(ctx context.Context, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
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
	var said end
	c.Stderr = &said
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
		if err = ended; len(said) > 0 {
			err = errors.New(strings.TrimSpace(strings.TrimPrefix(string(said), "tcenvsvr: ")))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("running %q: %w", strings.Join(args, " "), err)
	}
	return answer, nil
}

// end keeps the last of what is written.
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
