package settings

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func showCommand(e *env.Env) *cobra.Command {
	var origin, asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "show all settings",
		Long: `Show prints every setting with its value. Of secrets it only says whether they
are set, and whether the keychain sealed them.

  tcenvsvr settings show
  tcenvsvr settings show --origin
  tcenvsvr settings show --json`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			s, o, err := Load(e)
			if err != nil {
				return err
			}
			all := values(s, o)
			if asJSON {
				return cli.PrintJSON(e.Stdout, all)
			}
			w := cli.Columns(e.Stdout)
			for _, v := range all {
				line := v.Name + "\t" + Shown(v.Value)
				if origin {
					line += "\t" + v.Origin
				}
				fmt.Fprintln(w, line)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&origin, "origin", false, "say where each value comes from")
	cli.JSONVar(c, &asJSON)
	return c
}
