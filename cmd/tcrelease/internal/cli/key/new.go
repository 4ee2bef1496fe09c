package key

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/packaging/pgp"
)

func newCommand() *cobra.Command {
	var out, name, email string
	var without bool
	var k Flags
	c := &cobra.Command{
		Use:   "new -o FILE",
		Short: "make a key that signs packages and repositories",
		Args:  cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			passphrase, err := k.passphrase()
			if err != nil {
				return err
			}
			if len(passphrase) == 0 && !without {
				return cli.Usage("no passphrase: give it in %s or by --passphrase-file, or say --no-passphrase", passphraseVar)
			}
			if _, err := os.Lstat(out); err == nil {
				return fmt.Errorf("%q is there already: a key is never overwritten", out)
			}
			key, err := pgp.New(name, email, time.Now().UTC().Truncate(time.Second))
			if err != nil {
				return err
			}
			err = atomicfile.Write(out, 0o600, func(w io.Writer) error { return key.WritePrivate(w, passphrase) })
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: RSA 4096, fingerprint %s\n", out, key.Fingerprint())
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "release.key", "file to write, mode 0600")
	c.Flags().StringVar(&name, "name", "ThreatConnect Environment Server packages", "name in the key")
	c.Flags().StringVar(&email, "email", "envsvr@threatconnect.example", "address in the key")
	c.Flags().BoolVar(&without, "no-passphrase", false, "leave the file unlocked, e.g. for a test repository")
	k.addPassphrase(c)
	return c
}
