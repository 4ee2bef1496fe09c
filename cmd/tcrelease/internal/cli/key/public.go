package key

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
)

func publicCommand() *cobra.Command {
	var k Flags
	c := &cobra.Command{
		Use:   "public --key FILE",
		Short: "print the public half, as hosts import it",
		Args:  cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			key, err := k.Read()
			if err != nil {
				return err
			}
			public, err := key.Public()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(public)
			return err
		},
	}
	k.Add(c)
	return c
}
