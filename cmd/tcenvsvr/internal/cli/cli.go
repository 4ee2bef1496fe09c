package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/about"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/app"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/config"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/diagnose"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/host"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/identity"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/service"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/trust"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb/update"
)

// topics are the packages of the verbs, in the order of the reference.
var topics = []func(*verb.Env) []*cobra.Command{
	service.Commands,
	identity.Commands,
	config.Commands,
	diagnose.Commands,
	app.Commands,
	trust.Commands,
	host.Commands,
	update.Commands,
	about.Commands,
}

// Main runs one command and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &verb.Env{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: os.Environ()}
	root := newRoot(e)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return report(e, cli.Execute(ctx, root))
}

func newRoot(e *verb.Env) *cobra.Command {
	root := cli.Root("tcenvsvr", "run orders of a Dedicated Cloud behind the firewall",
		`Tcenvsvr is the ThreatConnect Environment Server: it connects outbound to a
Dedicated Cloud, runs Apps in a sandbox when told to, and returns what came of
them.`)
	root.Version = build.Version()
	root.PersistentFlags().StringVar(&e.Home, "home", cmp.Or(e.Getenv("TCENVSVR_HOME"), paths.DefaultHome), "folder of the installation (or TCENVSVR_HOME)")
	for _, commands := range topics {
		root.AddCommand(commands(e)...)
	}
	root.AddCommand(exitCodes.Topic(), errorsTopic(), shim(e))
	exitCodes.EndHelp(root)
	becomeOwners(root, e, "", verb.State)
	return root
}

// shim appears here only so that the verb is known; main answers it before
// any of this is built.
func shim(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use: job.ShimCommand, Hidden: true, Short: "supervise one job (started by the agent)",
		Args: cli.Exactly(0, "its launch on standard input"),
		RunE: func(*cobra.Command, []string) error {
			if code := job.ShimMain(e.Stdin, e.Stdout, e.Stderr); code != 0 {
				return fmt.Errorf("the job was not supervised to its end (%d)", code)
			}
			return nil
		},
	}
}

var errInterrupted = errors.New("interrupted")
