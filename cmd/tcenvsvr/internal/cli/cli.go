package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/paths"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
)

// env is the world a verb may touch.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	home           string // flag --home
}

// Main runs one command and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()}
	root := e.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return e.report(root.ExecuteContext(ctx))
}

func (e *env) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tcenvsvr",
		Short: "run orders of a Dedicated Cloud behind the firewall",
		Long: `Tcenvsvr is the ThreatConnect Environment Server: it connects outbound to a
Dedicated Cloud, runs Apps in a sandbox when told to, and returns what came of
them.

` + exitCodesHelp(),
		Version:       build.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&e.home, "home", e.defaultHome(), "folder of the installation (or TCENVSVR_HOME)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nhint: run %q", err, c.CommandPath()+" --help")}
	})
	root.AddCommand(e.run(), e.status(), e.enroll(), e.app(), e.version(), e.man(), e.exitCodes(), e.shim())
	requireKnownVerb(root)
	return root
}

// requireKnownVerb makes a wrong word after a group of verbs an error with
// exit code 2; cobra would print help and succeed.
func requireKnownVerb(c *cobra.Command) {
	for _, sub := range c.Commands() {
		requireKnownVerb(sub)
	}
	if !c.HasSubCommands() || c.Run != nil || c.RunE != nil {
		return
	}
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		c.SuggestionsMinimumDistance = 2
		err := fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		for _, s := range c.SuggestionsFor(args[0]) {
			err = fmt.Errorf("%w\nhint: did you mean %q?", err, c.CommandPath()+" "+s)
		}
		return usageError{err}
	}
}

// exactly is cobra.ExactArgs with our exit code.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %s", c.CommandPath(), what)}
		}
		return nil
	}
}

func (e *env) defaultHome() string {
	if h := lookupEnv(e.environ, "TCENVSVR_HOME"); h != "" {
		return h
	}
	return paths.DefaultHome
}

func lookupEnv(environ []string, name string) string {
	value := ""
	for _, kv := range environ {
		if len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			value = kv[len(name)+1:]
		}
	}
	return value
}

// usageError is a wrong command line.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

var errInterrupted = errors.New("interrupted")

func (e *env) paths() (paths.Paths, error) { return paths.New(e.home) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
