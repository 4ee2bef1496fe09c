package settings

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func unsetCommand(e *env.Env) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "unset NAME…",
		Short: "remove settings from the file",
		Long: `Unset removes settings from the file, so that their defaults count again. It is
refused where the agent would not start without them; --force does it.

  tcenvsvr settings unset proxyHost proxyPort proxyTC`,
		Args:              cli.AtLeast(1, "names of settings"),
		ValidArgsFunction: completeKeys,
		RunE: func(c *cobra.Command, args []string) error {
			changes := map[string]string{}
			for _, key := range args {
				s, err := lookup(key)
				if err != nil {
					return err
				}
				changes[s.Name] = ""
			}
			return Save(c.Context(), e, changes, force)
		},
	}
	ForceFlag(c, &force)
	return c
}
