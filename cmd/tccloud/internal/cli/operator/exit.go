package operator

import (
	"context"
	"errors"
	"io/fs"
	"net/http"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// Exit codes. They are an API: scripts branch on them.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitNotRunning  = 3
	ExitNotAllowed  = 4
	ExitConfig      = 5
	ExitUnwell      = 6
	ExitPartial     = 20
	ExitAppFailed   = 21
	ExitCancelled   = 22
	ExitTimedOut    = 23
	ExitLost        = 24
	ExitRejected    = 25
	ExitInterrupted = 130
)

// ExitCodes is the program's table.
var ExitCodes = cli.ExitCodes{
	{Code: ExitOK, Meaning: "ok; of run: the execution succeeded"},
	{Code: ExitUsage, Meaning: "the command line is wrong", Is: cli.AsError[cli.UsageError]},
	{Code: ExitInterrupted, Meaning: "interrupted by a signal", Is: cli.IsError(context.Canceled)},
	{Code: ExitNotAllowed, Meaning: "not permitted: the token is missing, wrong or has expired, or its role or its Environments do not allow it", Is: notAllowed},
	{Code: ExitNotRunning, Meaning: "the cloud is not running or does not answer", Is: notRunning},
	{Code: ExitUnwell, Meaning: "the cloud runs and takes no new orders, see \"tccloud status\"", Is: unwell},
	{Code: ExitConfig, Meaning: "it is not known where the cloud is or how to get in", Is: cli.IsError(client.ErrConfig)},
	{Code: ExitPartial, Meaning: "the execution ended partial (App exit code 3)"},
	{Code: ExitAppFailed, Meaning: "the execution failed"},
	{Code: ExitCancelled, Meaning: "the execution was cancelled"},
	{Code: ExitTimedOut, Meaning: "the execution timed out"},
	{Code: ExitLost, Meaning: "the execution was interrupted: what became of it is not known"},
	{Code: ExitRejected, Meaning: "the execution was rejected: it never started"},
	{Code: ExitFailed, Meaning: "failed", Is: func(error) bool { return true }},
}

func notAllowed(err error) bool {
	api, ok := errors.AsType[*v1.Error](err)
	return ok && (api.Status == http.StatusUnauthorized || api.Status == http.StatusForbidden) || errors.Is(err, fs.ErrPermission)
}

func notRunning(err error) bool {
	return errors.Is(err, client.ErrNotRunning) || errors.Is(err, client.ErrUnreachable)
}

func unwell(err error) bool {
	api, ok := errors.AsType[*v1.Error](err)
	return ok && (api.Code == v1.CodeNoIntake || api.Code == v1.CodeUnwell)
}

// RunCodes are what run may end with besides the codes of every command.
var RunCodes = []int{
	ExitUnwell, ExitPartial, ExitAppFailed, ExitCancelled, ExitTimedOut, ExitLost, ExitRejected, ExitInterrupted,
}

// outcomes are the exit codes of run.
var outcomes = map[wire.Outcome]int{
	wire.Succeeded: ExitOK, wire.Partial: ExitPartial, wire.Failed: ExitAppFailed, wire.Cancelled: ExitCancelled,
	wire.TimedOut: ExitTimedOut, wire.Interrupted: ExitLost, wire.Rejected: ExitRejected,
}

// OutcomeError returns the exit code of an execution's outcome as an error, nil where it succeeded.
// An unknown outcome, which a newer cloud may have, is a failure.
func OutcomeError(o wire.Outcome) error {
	code, known := outcomes[o]
	switch {
	case !known:
		return &cli.ExitError{Code: ExitFailed}
	case code != ExitOK:
		return &cli.ExitError{Code: code}
	}
	return nil
}

// Hint is what to try about an error, where the command or the cloud says so. The command knows what
// it has done before.
func Hint(_ int, err error) string {
	if e, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return e.Hint()
	}
	if e, ok := errors.AsType[*v1.Error](err); ok {
		return e.Hint
	}
	return ""
}
