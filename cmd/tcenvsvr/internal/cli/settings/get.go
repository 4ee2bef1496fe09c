package settings

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func getCommand(e *env.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "get KEY",
		Short: "print the value of a setting",
		Long: `Get prints the value that counts, and an empty line where there is none. A
secret is never printed, only that there is one.

  tcenvsvr settings get brokerHost`,
		Args:              cli.Exactly(1, "the name of a setting"),
		ValidArgsFunction: completeKeys,
		RunE: func(_ *cobra.Command, args []string) error {
			row, err := lookup(args[0])
			if err != nil {
				return err
			}
			s, _, err := Load(e)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(e.Stdout, s.Text(row.Name))
			return err
		},
	}
}
