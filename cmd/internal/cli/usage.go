package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// UsageError is a mistake in the command line. Every program exits with code 2 for it.
type UsageError struct{ error }

// Unwrap returns the cause.
func (u UsageError) Unwrap() error { return u.error }

// Usage returns a [UsageError] with a message of [fmt.Errorf].
func Usage(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Misuse is [Usage] for a mistake that one command found: the command's words begin the message,
// and a hint names its help.
func Misuse(c *cobra.Command, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if _, words, below := strings.Cut(c.CommandPath(), " "); below {
		err = fmt.Errorf("%s: %w", words, err)
	}
	return Usage("%w\nhint: %s", err, runHelp(c))
}

// MissingCommand is the RunE of a group that is an error when it is called alone: what it has is in
// the hint.
func MissingCommand(c *cobra.Command, _ []string) error {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return Usage("%s: a command is missing\nhint: it has %s; %s", c.CommandPath(), strings.Join(names, ", "), runHelp(c))
}

// Exactly is [cobra.ExactArgs] as a [UsageError]; what names the arguments, e.g. "a file and a name".
func Exactly(n int, what string) cobra.PositionalArgs {
	return between(n, n, what)
}

// AtLeast is [cobra.MinimumNArgs] as a [UsageError].
func AtLeast(n int, what string) cobra.PositionalArgs {
	return between(n, -1, what)
}

// AtMost is [cobra.MaximumNArgs] as a [UsageError].
func AtMost(n int, what string) cobra.PositionalArgs {
	return between(0, n, what)
}

// between checks the number of arguments; a negative most is no bound.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return Usage("%s takes %s\nhint: %s", c.CommandPath(), what, runHelp(c))
		}
		return nil
	}
}

func runHelp(c *cobra.Command) string { return fmt.Sprintf("run %q", c.CommandPath()+" --help") }
