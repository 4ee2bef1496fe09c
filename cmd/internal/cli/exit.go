package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tcenvsvr/agent/logging/plain"

	"github.com/spf13/cobra"
)

// ExitCodes is a program's table of exit codes, the one place where its errors become numbers. Exit
// codes are an API: scripts branch on them. The first row whose Is accepts an error counts, and a
// table ends with a row that accepts all.
type ExitCodes []ExitCode

// ExitCode is one row of the table.
type ExitCode struct {
	Code    int
	Meaning string           // as help shows it
	Is      func(error) bool // nil: only an [ExitError] has this code, and for 0 no error
	Quiet   bool             // Report prints no message for it
}

// ExitError gives an error an exit code of its own. Err may be nil where the command has printed
// all there is to say.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// ErrReported is wrapped by errors that the command has printed in its own words: Report only finds
// their exit code.
var ErrReported = errors.New("reported already")

// IsError returns an Is that accepts errors in which [errors.Is] finds one of the targets.
func IsError(targets ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
}

// AsError is an Is that accepts errors in which [errors.AsType] finds an E.
func AsError[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func (t ExitCodes) row(err error) ExitCode {
	if err == nil {
		return ExitCode{}
	}
	if e, ok := errors.AsType[*ExitError](err); ok {
		return ExitCode{Code: e.Code, Quiet: e.Err == nil}
	}
	for _, row := range t {
		if row.Is != nil && row.Is(err) {
			return row
		}
	}
	return ExitCode{Code: 1}
}

// Report prints err as people read it and returns its exit code. The message is "program: what
// failed", and a line "hint: what to try" where err has one or hint, which may be nil, returns one.
// Nothing of it can steer a terminal: errors quote clouds, proxies and files. What is no answer in
// time is called so, not by Go's name for it.
func (t ExitCodes) Report(w io.Writer, program string, err error, hint func(code int, err error) string) int {
	row := t.row(err)
	if err == nil || row.Quiet || errors.Is(err, ErrReported) {
		return row.Code
	}
	text := strings.ReplaceAll(err.Error(), context.DeadlineExceeded.Error(), "there was no answer in time")
	if hint != nil && !strings.Contains(text, "\nhint: ") {
		if try := hint(row.Code, err); try != "" {
			text += "\nhint: " + try
		}
	}
	fmt.Fprintf(w, "%s: %s\n", program, plain.Text(text))
	return row.Code
}

// Help returns the table as help shows it, by rising codes; with codes it has only these.
func (t ExitCodes) Help(only ...int) string {
	sorted := slices.Clone(t)
	slices.SortFunc(sorted, func(a, b ExitCode) int { return cmp.Compare(a.Code, b.Code) })
	lines := []string{"Exit codes:"}
	for _, row := range sorted {
		if len(only) == 0 || slices.Contains(only, row.Code) {
			lines = append(lines, fmt.Sprintf("  %3d  %s", row.Code, row.Meaning))
		}
	}
	return strings.Join(lines, "\n")
}

// Topic returns the help topic "exit-codes" with the whole table.
func (t ExitCodes) Topic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "what the exit codes mean", Long: t.Help()}
}

// EndHelp ends the long help of all commands below the root c with the table. The root's own help,
// which lists them, and help topics stay as they are.
func (t ExitCodes) EndHelp(c *cobra.Command) {
	if c.HasParent() && (c.HasSubCommands() || c.Runnable()) {
		c.Long = strings.TrimRight(cmp.Or(c.Long, c.Short), "\n") + "\n\n" + t.Help()
	}
	for _, sub := range c.Commands() {
		t.EndHelp(sub)
	}
}
