package settings

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func setCommand(e *env.Env) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "set NAME VALUE | NAME=VALUE…",
		Short: "change settings in the file",
		Long: `Set checks the new values, writes all of them or none, and has a running agent read them.
It says which ones take effect at once and which after a restart. NAME= empties a
setting, so that its default counts again. Values with which the agent would not start
are refused; --force writes them.

Every user of this host can read command lines, so a secret cannot stand there. NAME alone
asks for the value, without echo for a secret, or takes it from standard input;
NAME=@FILE reads it from a file.

  tcenvsvr settings set proxyPort 3128
  tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true
  tcenvsvr settings set proxyPassword
  tcenvsvr settings set brokerToken=@/root/token
  tcenvsvr settings set proxyPassword < /root/password`,
		Args:              cli.AtLeast(1, "NAME VALUE, NAME=VALUE, NAME=@FILE or NAME"),
		ValidArgsFunction: completeChanges,
		RunE: func(c *cobra.Command, args []string) error {
			words, err := assignments(args)
			if err != nil {
				return err
			}
			changes, err := ReadChanges(c.Context(), e, words)
			if err != nil {
				return err
			}
			return Save(c.Context(), e, changes, force)
		},
	}
	ForceFlag(c, &force)
	e.Reads(c, ValueFiles)
	return c
}
