package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcrelease/internal/cli/key"
)

func signCommand() *cobra.Command {
	var k key.Flags
	var out string
	c := &cobra.Command{
		Use:   "sign --key FILE FILE",
		Short: "write a detached armored signature of a file",
		Args:  cli.Exactly(1, "the file to sign"),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := k.Read()
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("signing: %w", err)
			}
			defer f.Close()
			signature, err := key.SignArmored(f)
			if err != nil {
				return err
			}
			if out == "" {
				out = args[0] + ".asc"
			}
			if err := atomicfile.WriteFile(out, signature, 0o644); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), out)
			return err
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "file for the signature; FILE.asc without")
	k.Add(c)
	return c
}
