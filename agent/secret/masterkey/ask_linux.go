package masterkey

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// askDir is where questions are placed; a process that may not write there cannot ask.
const askDir = "/run/systemd/ask-password"

// askFor bounds the wait for an answer.
const askFor = 5 * time.Minute

// ask asks the host's administrator, who answers on the console or with
// systemd-tty-ask-password-agent.
func ask(ctx context.Context) ([]byte, error) {
	program, err := exec.LookPath("systemd-ask-password")
	if err != nil || unix.Access(askDir, unix.W_OK) != nil {
		return nil, errNone
	}
	ctx, cancel := context.WithTimeout(ctx, askFor+time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, program, "--no-tty", "--id=tcenvsvr:masterkey",
		fmt.Sprintf("--timeout=%d", int(askFor.Seconds())), "Master password of the Environment Server:").Output()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, errNone // nobody answered
	}
	return line(text), err
}
