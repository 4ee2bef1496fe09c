package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tcenvsvr/agent"
	"tcenvsvr/agent/control"
	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/privatefile"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/policy"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/update"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
	"tcenvsvr/updater/slot/launch"
)

// exitCodes is the one place where errors become exit codes; the first row that accepts an error
// counts.
var exitCodes = cli.ExitCodes{
	{Code: 0, Meaning: "ok"},
	{Code: 75, Meaning: "restart me: the service manager starts the agent again", Is: cli.IsError(agent.ErrRestart), Quiet: true},
	{Code: 2, Meaning: "wrong command line", Is: cli.AsError[cli.UsageError]},
	{Code: 6, Meaning: "not enrolled", Is: cli.IsError(settings.ErrNotEnrolled)},
	{Code: 5, Meaning: "settings, policy, keystore, keychain or a file of secrets are damaged, unsafe or not valid", Is: func(err error) bool {
		return cli.AsError[*settings.ValueError](err) || cli.AsError[*settings.UnknownKeyError](err) ||
			cli.AsError[*settings.FileError](err) || cli.AsError[*settings.ConflictError](err) || damaged(err) || errors.Is(err, policy.ErrInvalid)
	}},
	{Code: 10, Meaning: "an update is available", Is: cli.IsError(update.ErrAvailable)},
	{Code: 11, Meaning: "this server's policy denies it", Is: cli.IsError(policy.ErrDenied)},
	{Code: 12, Meaning: "the cloud does not take this server", Is: cli.IsError(enroll.ErrRefused)},
	{Code: 3, Meaning: "the Environment Server is not running", Is: cli.IsError(control.ErrNotRunning)},
	{Code: 7, Meaning: "the keychain is missing or locked, or the master password is wrong or unfit",
		Is: cli.IsError(keychain.ErrMissing, keychain.ErrLocked, keychain.ErrWrongPassword, keychain.ErrPassword)},
	{Code: 4, Meaning: "not permitted", Is: cli.IsError(os.ErrPermission)},
	{Code: 130, Meaning: "interrupted", Is: cli.IsError(context.Canceled)},
	{Code: 1, Meaning: "failed", Is: func(error) bool { return true }},
}

// damaged accepts what is wrong with files of secrets.
var damaged = cli.IsError(keychain.ErrDamaged, keychain.ErrForeign, identity.ErrDamaged, identity.ErrMissing, privatefile.ErrUnsafe)

// report prints err as people read it and returns its exit code.
func report(e *env.Env, err error) int {
	if program, ok := errors.AsType[*launch.Exited](err); ok {
		return program.Code // a program of ours ended with it, and has printed why
	}
	return exitCodes.Report(e.Stderr, "tcenvsvr", err, func(code int, err error) string { return hint(code, e, err) })
}

// hint returns what to try, "" where nothing is known.
func hint(code int, e *env.Env, err error) string {
	blocked := ""
	if code == 4 {
		blocked = e.Blocked()
	}
	switch {
	case blocked != "" && e.Became != "":
		return "a command of root's does this as the agent's user, and " + blocked
	case blocked != "":
		return blocked + "; or run it as a user who can"
	case code == 4 && e.Became != "":
		return fmt.Sprintf("a command of root's does this as user %q, who may not: name a place that this user may use; \"tcenvsvr host apply\" puts the agent's own files right", e.Became)
	case cli.AsError[*settings.UnknownKeyError](err):
		return "\"tcenvsvr settings show\" has all of them"
	case errors.Is(err, filelock.ErrHeld):
		return "the Environment Server may run already: \"tcenvsvr status\" shows it"
	}
	if errors.Is(err, policy.ErrInvalid) {
		return "mend it as root; \"tcenvsvr policy show --policy DRAFT\" tries a draft before it is moved into place"
	}
	switch code {
	case 3:
		first := ""
		if p, err := e.Paths(); err == nil {
			if _, err := os.Lstat(p.Keystore); errors.Is(err, fs.ErrNotExist) { // it would not start
				first = "enroll this host with \"tcenvsvr enroll FILE\", then "
			}
		}
		return first + "start it as root with \"" + svc.Advice() + "\", or in this terminal as the agent's user with \"tcenvsvr run\""
	case 4:
		return "run it as the agent's user (\"sudo -u threatconnect tcenvsvr …\") or as root"
	case 6:
		return "download the bundle of an Environment from the Dedicated Cloud and run \"tcenvsvr enroll FILE\""
	}
	return ""
}
