package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "show the version", Args: exactly(),
		Long: `Version prints the version of this program and what it was built with.

  tccloud version
  tccloud version --json

Exit codes:
` + codeTable(exitOK, exitUsage),
	}
	json := asJSON(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		v := struct {
			Version string `json:"version"`
			Go      string `json:"go"`
			OS      string `json:"os"`
			Arch    string `json:"arch"`
		}{env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
		return env.answer(*json, v, func(w io.Writer) {
			fmt.Fprintf(w, "tccloud %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
		})
	}
	return cmd
}
