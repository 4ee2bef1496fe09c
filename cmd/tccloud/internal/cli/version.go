package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func versionCommand(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "show the version", Args: cli.Exactly(0, "no arguments"),
		Long: `Version prints the version of this program and what it was built with.

  tccloud version
  tccloud version --json` + "\n\n" + operator.ExitCodes.Help(operator.ExitOK, operator.ExitUsage),
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		v := struct {
			Version string `json:"version"`
			Commit  string `json:"commit,omitempty"`
			Go      string `json:"go"`
			OS      string `json:"os"`
			Arch    string `json:"arch"`
		}{o.Version, buildCommit(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
		return cli.Answer(o.Stdout, *asJSON, v, func(w io.Writer) {
			fmt.Fprintf(w, "tccloud %s (%s/%s, %s, commit %.12s)\n", v.Version, v.OS, v.Arch, v.Go, cmp.Or(v.Commit, "unknown"))
		})
	}
	return cmd
}
