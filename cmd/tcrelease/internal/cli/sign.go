package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
)

func signCommand(e *env) *cobra.Command {
	var k keyFlags
	var out string
	c := &cobra.Command{
		Use:   "sign --key FILE FILE",
		Short: "write a detached armored signature of a file",
		Args:  exactly(1, "the file to sign"),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := k.read()
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
			_, err = fmt.Fprintln(e.stdout, out)
			return err
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "file for the signature; FILE.asc without")
	k.add(c)
	return c
}
