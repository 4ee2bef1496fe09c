package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/strict"
)

type env struct{ stdout io.Writer }

// usageError is a mistake in the command line.
type usageError struct{ error }

// Main runs a command line and returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	e := &env{stdout}
	root := &cobra.Command{
		Use:           "tcrelease",
		Short:         "builds, signs and publishes packages of the Environment Server",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(keyCommand(e), packageCommand(e), repoCommand(e), signCommand(e), verifyCommand(e), updateRepoCommand(e))
	err := strict.Execute(ctx, root, func(_ *cobra.Command, err error) error { return usageError{err} })
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(usageError)):
		fmt.Fprintf(stderr, "tcrelease: %v\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "tcrelease: %v\n", err)
		return 1
	}
}

// exactly wants n arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s wants %s; see %s --help", c.CommandPath(), what, c.CommandPath())}
		}
		return nil
	}
}
