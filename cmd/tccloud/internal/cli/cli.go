package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/app"
	"tcenvsvr/cmd/tccloud/internal/cli/env"
	"tcenvsvr/cmd/tccloud/internal/cli/execution"
	"tcenvsvr/cmd/tccloud/internal/cli/job"
	"tcenvsvr/cmd/tccloud/internal/cli/key"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/cli/release"
	"tcenvsvr/cmd/tccloud/internal/cli/server"
	"tcenvsvr/cmd/tccloud/internal/cli/service"
	"tcenvsvr/cmd/tccloud/internal/cli/token"
	"tcenvsvr/cmd/tccloud/internal/cli/trigger"
	"tcenvsvr/cmd/tccloud/internal/cli/user"
	"tcenvsvr/cmd/tccloud/internal/cli/variable"
)

// Main runs the command line args, without the program's name, and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	root := newRoot(&operator.Env{Stdin: stdin, Stdout: stdout, Stderr: stderr, Getenv: os.Getenv, Version: buildVersion()})
	root.SetArgs(args)
	return operator.ExitCodes.Report(stderr, root.Name(), cli.Execute(ctx, root), operator.Hint)
}

func newRoot(o *operator.Env) *cobra.Command {
	root := cli.Root("tccloud", "a self-hosted Dedicated Cloud",
		`Tccloud is a self-hosted Dedicated Cloud: the message broker on port 62000, the
HTTPS API, and the operator's commands. Environment Servers connect to it and run
Apps for it.

  tccloud serve --data DIR --name cloud.example
  tccloud env create lab --data DIR`)
	root.SetIn(o.Stdin)
	root.SetOut(o.Stdout)
	root.SetErr(o.Stderr)
	cli.AddSections(root,
		cli.Section{Title: "First steps", Commands: []*cobra.Command{serveCommand(o), env.Command(o), bundleCommand(o), demoCommand(o)}},
		cli.Section{Title: "Operate", Commands: []*cobra.Command{statusCommand(o), nodeCommand(o), server.Command(o), runCommand(o), execution.Command(o), job.Command(o), service.Command(o), trigger.Command(o)}},
		cli.Section{Title: "Apps", Commands: []*cobra.Command{app.Command(o), variable.Command(o), key.Command(o)}},
		cli.Section{Title: "Access", Commands: []*cobra.Command{user.Command(o), token.Command(o), auditCommand(o)}},
		cli.Section{Title: "Update", Commands: []*cobra.Command{release.Command(o)}},
		cli.Section{Title: "About", Commands: []*cobra.Command{versionCommand(o)}})
	root.SetHelpCommandGroupID("About")
	root.SetCompletionCommandGroupID("About")
	root.AddCommand(operator.ExitCodes.Topic(), natsTopic(), consoleTopic())
	complete(o, root)
	return root
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}

// buildCommit is the revision of the source, "" where Go did not record it.
func buildCommit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
