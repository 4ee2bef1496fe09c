package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"tcenvsvr/agent"
	"tcenvsvr/agent/control"
	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/secret/privatefile"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/update"
	"tcenvsvr/cmd/tcenvsvr/internal/svc"
	"tcenvsvr/updater/launch"
)

// exitCode is one row of the table of exit codes.
type exitCode struct {
	code    int
	meaning string
	is      func(error) bool
}

func isErr(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func asErr[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// exitCodes is the one place where errors become exit codes; the first
// row that fits counts.
var exitCodes = []exitCode{
	{0, "ok", func(err error) bool { return err == nil }},
	{75, "restart me: the service manager starts the agent again", isErr(agent.ErrRestart)},
	{2, "wrong command line", asErr[verb.UsageError]},
	{6, "not enrolled", isErr(settings.ErrNotEnrolled)},
	{5, "settings, keystore, keychain or a file of secrets are damaged, unsafe or not valid", func(err error) bool {
		return asErr[*settings.ValueError](err) || asErr[*settings.UnknownKeyError](err) || asErr[*settings.FileError](err) ||
			asErr[*settings.ConflictError](err) || errors.Is(err, keychain.ErrDamaged) || errors.Is(err, keychain.ErrForeign) || errors.Is(err, identity.ErrDamaged) || errors.Is(err, identity.ErrMissing) || errors.Is(err, privatefile.ErrUnsafe)
	}},
	{10, "an update is available", isErr(update.ErrAvailable)},
	{3, "the Environment Server is not running", isErr(control.ErrNotRunning)},
	{7, "the keychain is missing or locked, or the master password is wrong or unfit", func(err error) bool {
		return errors.Is(err, keychain.ErrMissing) || errors.Is(err, keychain.ErrLocked) ||
			errors.Is(err, keychain.ErrWrongPassword) || errors.Is(err, keychain.ErrPassword)
	}},
	{4, "not permitted", isErr(os.ErrPermission)},
	{130, "interrupted", func(err error) bool {
		return errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled)
	}},
	{1, "failed", func(error) bool { return true }},
}

// report prints err as people read it and returns its exit code.
func report(e *verb.Env, err error) int {
	if program, ok := errors.AsType[*launch.Exited](err); ok {
		return program.Code // of a program of ours, which has said why
	}
	for _, row := range exitCodes {
		if !row.is(err) {
			continue
		}
		if err != nil && row.code != 75 && !errors.Is(err, verb.ErrTold) {
			text := harmless(err.Error())
			if !strings.Contains(text, "\nhint: ") {
				text += hint(row.code, e, err)
			}
			fmt.Fprintf(e.Stderr, "tcenvsvr: %s\n", text)
		}
		return row.code
	}
	return 1
}

// harmless leaves a terminal nothing to obey: errors quote what clouds, proxies and files say.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "?"))
}

func hint(code int, e *verb.Env, err error) string {
	blocked := ""
	if code == 4 {
		blocked = e.Blocked()
	}
	switch {
	case blocked != "" && e.Became != "":
		return "\nhint: a command of root's does this as the agent's user, and " + blocked
	case blocked != "":
		return "\nhint: " + blocked + "; or run it as a user who can"
	case code == 4 && e.Became != "":
		return fmt.Sprintf("\nhint: a command of root's does this as user %q, who may not: name a place that this user may use; \"tcenvsvr host apply\" puts the agent's own files right", e.Became)
	case asErr[*settings.UnknownKeyError](err):
		return "\nhint: \"tcenvsvr settings show\" has all of them"
	case errors.Is(err, filelock.ErrHeld):
		return "\nhint: the Environment Server may run already: \"tcenvsvr status\" shows it"
	}
	switch code {
	case 3:
		return "\nhint: start it as root with \"" + svc.Advice() + "\", or in this terminal as the agent's user with \"tcenvsvr run\""
	case 4:
		return "\nhint: run it as the agent's user (\"sudo -u threatconnect tcenvsvr …\") or as root"
	case 6:
		return "\nhint: download the bundle of an Environment from the Dedicated Cloud and run \"tcenvsvr enroll FILE\""
	}
	return ""
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, c := range sortedCodes() {
		fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

func sortedCodes() []exitCode {
	sorted := slices.Clone(exitCodes)
	slices.SortFunc(sorted, func(a, b exitCode) int { return cmp.Compare(a.code, b.code) })
	return sorted
}

// exitCodesTopic is a help topic: "tcenvsvr help exit-codes".
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "what the exit codes mean", Long: exitCodesHelp()}
}
