package cli

import (
	"cmp"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/build"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

type versionAnswer struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func versionCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Long:  "Version prints which build of the program this is.\n\n  tcenvsvr version\n  tcenvsvr version --json",
		Args:  cli.Exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			v := versionAnswer{build.Version(), build.Commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			if asJSON {
				return cli.PrintJSON(e.Stdout, v)
			}
			_, err := fmt.Fprintf(e.Stdout, "tcenvsvr %s (%s/%s, %s, commit %.12s)\n", v.Version, v.OS, v.Arch, v.Go, cmp.Or(v.Commit, "unknown"))
			return err
		},
	}
	cli.JSONVar(c, &asJSON)
	return c
}
