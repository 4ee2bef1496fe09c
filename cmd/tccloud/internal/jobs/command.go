package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"tcenvsvr/agent/logging/plain"
)

// CheckCommand refuses a program for failures that is none, or that others could change. Which one
// it is says who starts the gateway: whoever may only use its API, or writes its store, could run
// what they like on this host otherwise. So it has no arguments either; what it is to know comes on
// its stdin.
func CheckCommand(file string) error {
	info, err := os.Stat(file)
	switch {
	case !filepath.IsAbs(file):
		return fmt.Errorf("command for failures %q: want an absolute path", file)
	case err != nil:
		return fmt.Errorf("command for failures: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("command for failures %q is no file", file)
	case runtime.GOOS == "windows":
		return nil
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("command for failures %q cannot be executed: its mode is %s", file, info.Mode())
	case info.Mode()&0o022 != 0:
		return fmt.Errorf("command for failures %q can be changed by others: its mode is %s, use chmod go-w", file, info.Mode())
	}
	return nil
}

// errNoCommand is there for new Jobs, and for those that are older than the command's absence.
var errNoCommand = errors.New("this cloud has no command for failures: \"tccloud serve --job-command FILE\" names one")

// maxOutput is how much of a command's output is quoted where it fails.
const maxOutput = 512

// execute runs the command with a failure on its stdin, and without the environment of this process,
// which may have tokens.
func execute(ctx context.Context, file string, failure []byte) error {
	if file == "" {
		return errNoCommand
	}
	c := exec.CommandContext(ctx, file)
	c.Dir, c.Stdin, c.WaitDelay = filepath.Dir(file), bytes.NewReader(append(failure, '\n')), 5*time.Second
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	var said tail
	c.Stdout, c.Stderr = io.Discard, &said
	err := c.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("running %q: %w", file, context.Cause(ctx))
	}
	return fmt.Errorf("running %q: %w: %s", file, err, plain.Line(string(said)))
}

// tail keeps the end of what is written.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p[max(0, len(p)-maxOutput):]...)
	*t = (*t)[max(0, len(*t)-maxOutput):]
	return len(p), nil
}
