package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcrelease/internal/cli/key"
	"tcenvsvr/cmd/tcrelease/internal/cli/updaterepo"
)

var exitCodes = cli.ExitCodes{
	{Code: 0, Meaning: "ok"},
	{Code: 2, Meaning: "wrong command line", Is: cli.AsError[cli.UsageError]},
	{Code: 1, Meaning: "failed; of verify: something is wrong", Is: func(error) bool { return true }},
}

// Main runs the command line args, without the program's name, and returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := cli.Root("tcrelease", "build, sign and publish packages of the Environment Server",
		`Tcrelease is the maintainers' tool: it builds and signs packages of the Environment
Server, and keeps the repositories that hosts install and update from.

  tcrelease key new -o release.key
  tcrelease package --key release.key`)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	cli.AddSections(root,
		cli.Section{Title: "Keys and signatures", Commands: []*cobra.Command{key.Command(), signCommand(), verifyCommand()}},
		cli.Section{Title: "Packages", Commands: []*cobra.Command{packageCommand(), repoCommand()}},
		cli.Section{Title: "Updates", Commands: []*cobra.Command{updaterepo.Command()}},
		cli.Section{Title: "About"})
	root.SetHelpCommandGroupID("About")
	exitCodes.EndHelp(root)
	return exitCodes.Report(stderr, root.Name(), cli.Execute(ctx, root), nil)
}
