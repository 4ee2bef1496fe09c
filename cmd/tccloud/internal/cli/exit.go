package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	v1 "tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// Exit codes. They are an API: scripts branch on them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotRunning  = 3
	exitNotAllowed  = 4
	exitConfig      = 5
	exitUnwell      = 6
	exitPartial     = 20
	exitAppFailed   = 21
	exitCancelled   = 22
	exitTimedOut    = 23
	exitLost        = 24
	exitRejected    = 25
	exitInterrupted = 130
)

// codes is the table that help shows.
var codes = []struct {
	code    int
	meaning string
}{
	{exitOK, "ok; of run: the execution succeeded"},
	{exitFailed, "failed"},
	{exitUsage, "the command line is wrong"},
	{exitNotRunning, "the cloud is not running or does not answer"},
	{exitNotAllowed, "not permitted: the admin token is missing or wrong"},
	{exitConfig, "it is not known where the cloud is or how to get in"},
	{exitUnwell, "the cloud runs and takes no new orders, see \"tccloud status\""},
	{exitPartial, "the execution ended partial (App exit code 3)"},
	{exitAppFailed, "the execution failed"},
	{exitCancelled, "the execution was cancelled"},
	{exitTimedOut, "the execution timed out"},
	{exitLost, "the execution was interrupted: what became of it is not known"},
	{exitRejected, "the execution was rejected: it never started"},
	{exitInterrupted, "interrupted by a signal"},
}

// outcomes says how run ends for each outcome.
var outcomes = map[wire.Outcome]int{
	wire.Succeeded: exitOK, wire.Partial: exitPartial, wire.Failed: exitAppFailed, wire.Cancelled: exitCancelled,
	wire.TimedOut: exitTimedOut, wire.Interrupted: exitLost, wire.Rejected: exitRejected,
}

func codeTable(only ...int) string {
	var b strings.Builder
	for _, c := range codes {
		show := len(only) == 0
		for _, o := range only {
			show = show || o == c.code
		}
		if show {
			fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.meaning)
		}
	}
	return b.String()
}

// Exit is an error that knows its exit code. Err may be nil where
// everything has been said.
type Exit struct {
	Code int
	Err  error
}

func (e *Exit) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Exit) Unwrap() error { return e.Err }

func usage(format string, args ...any) error {
	return &Exit{exitUsage, fmt.Errorf(format, args...)}
}

// misuse is a usage error of cmd.
func misuse(cmd *cobra.Command, format string, args ...any) error {
	if _, verb, ok := strings.Cut(cmd.CommandPath(), " "); ok {
		format = verb + ": " + format
	}
	return usage(format, args...)
}

// exitCode is the one place where an error becomes a number.
func exitCode(err error) int {
	if e, ok := errors.AsType[*Exit](err); ok {
		return e.Code
	}
	if cli.AsError[cli.UsageError](err) {
		return exitUsage
	}
	api, isAPI := errors.AsType[*v1.Error](err)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case isAPI && api.Status == http.StatusUnauthorized, errors.Is(err, fs.ErrPermission):
		return exitNotAllowed
	case errors.Is(err, client.ErrNotRunning), errors.Is(err, client.ErrUnreachable):
		return exitNotRunning
	case isAPI && (api.Code == v1.CodeNoIntake || api.Code == v1.CodeUnwell):
		return exitUnwell
	case errors.Is(err, client.ErrConfig):
		return exitConfig
	}
	return exitFailed
}

// hint is what to try, where somebody knows.
func hint(err error) string {
	if e, ok := errors.AsType[*v1.Error](err); ok {
		return e.Hint
	}
	if e, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return e.Hint()
	}
	return ""
}

// exactly is cobra.ExactArgs with names, and exit code 2.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return misuse(cmd, "want %d arguments (%s), got %d", len(names), strings.Join(names, " "), len(args))
		}
		return nil
	}
}

// atMost is cobra.MaximumNArgs with exit code 2.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return misuse(cmd, "want at most %d arguments, got %d", n, len(args))
		}
		return nil
	}
}
