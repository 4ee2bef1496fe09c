package cli

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/services"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/app"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/certs"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/configure"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/enroll"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/help"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/host"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/keychain"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/policy"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/service"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/setup"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/slot"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/update"
)

// sections are the commands as the root's help groups them: first what a newcomer needs.
func sections(e *env.Env) []cli.Section {
	return []cli.Section{
		{Title: "First steps", Commands: []*cobra.Command{enroll.Command(e), enroll.VerifyCommand(e), configure.Command(e), doctorCommand(e)}},
		{Title: "Operate", Commands: []*cobra.Command{
			runCommand(e), service.Command(e), statusCommand(e), logCommand(e), settings.Command(e), supportBundleCommand(e), enroll.UnenrollCommand(e)}},
		{Title: "Trust and secrets", Commands: []*cobra.Command{certs.Command(e), keychain.Command(e), policy.Command(e)}},
		{Title: "Update", Commands: []*cobra.Command{update.Command(e), launchCommand(e), slot.Command(e)}},
		{Title: "Host", Commands: []*cobra.Command{host.Command(e), setup.Command(e)}},
		{Title: "Develop Apps", Commands: []*cobra.Command{app.Command(e)}},
		{Title: "About", Commands: []*cobra.Command{versionCommand(e), manCommand(e)}},
	}
}

// Main runs one command and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env.Env{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: os.Environ()}
	root := newRoot(e)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends what does not listen to the first
	return report(e, cli.Execute(ctx, root))
}

func newRoot(e *env.Env) *cobra.Command {
	root := cli.Root("tcenvsvr", "run orders of a Dedicated Cloud behind the firewall",
		`Tcenvsvr is the ThreatConnect Environment Server: it connects outbound to a
Dedicated Cloud, runs Apps in a sandbox as it orders, and returns their results.`)
	root.Version = build.Version()
	root.PersistentFlags().StringVar(&e.Home, "home", cmp.Or(e.Getenv("TCENVSVR_HOME"), paths.DefaultHome), "folder of the installation (or TCENVSVR_HOME)")
	cli.AddSections(root, sections(e)...)
	root.SetHelpCommandGroupID("About")
	root.SetCompletionCommandGroupID("About")
	root.AddCommand(shim(e))
	root.AddCommand(help.Commands(exitCodes)...)
	exitCodes.EndHelp(root)
	becomeOwners(root, e, "", env.StateOwner)
	return root
}

// shim makes the hidden command of the shim known to the tree. main answers it before the tree is
// built.
func shim(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use: job.ShimCommand, Hidden: true, Short: "supervise one job (started by the agent)",
		Args: cli.Exactly(0, "its launch on standard input"),
		RunE: func(*cobra.Command, []string) error {
			if code := services.ShimMain(e.Stdin, e.Stdout, e.Stderr); code != 0 {
				return &cli.ExitError{Code: code}
			}
			return nil
		},
	}
}
