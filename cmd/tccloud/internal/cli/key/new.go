package key

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func create(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "new FILE", Short: "make a key: FILE and FILE.pub", Args: cli.Exactly(1, "a file"),
		Long: `New makes a key: the secret key in FILE, which only you can read, and the public key
in FILE.pub. Files that exist stay as they are. With --password or --password-file
the secret key is encrypted.

  tccloud key new publisher.key --password`,
	}
	withPassword := cmd.Flags().Bool("password", false, "encrypt the secret key with a password, asked for on the terminal")
	password := o.SecretKey(cmd)
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, public := args[0], args[0]+Suffix
		for _, name := range []string{file, public} { // before a password is asked for
			if _, err := os.Lstat(name); err == nil {
				return operator.Try(fmt.Errorf("making a key: %q exists", name), "take another name: a key that is overwritten is lost")
			} else if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("making a key: %w", err)
			}
		}
		var secret []byte
		if *withPassword || password.GivenByFile() {
			var err error
			if secret, err = password.New(cmd.Context(), "password of the new key: "); err != nil {
				return err
			}
		}
		defer clear(secret)
		k, err := signature.Generate()
		if err != nil {
			return fmt.Errorf("making a key: %w", err)
		}
		if err := signature.WriteSecretKey(file, k, secret); err != nil {
			return err
		}
		if err := writeNew(public, k.Public().Encode()); err != nil {
			return errors.Join(fmt.Errorf("writing public key: %w", err), os.Remove(file))
		}
		return answer(o, *asJSON, k.Public(), file, public)
	}
	return cmd
}

func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
