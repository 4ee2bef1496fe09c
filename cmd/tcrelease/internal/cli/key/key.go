package key

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/packaging/pgp"
)

// Command returns "tcrelease key".
func Command() *cobra.Command {
	return cli.Group("key", "make a signing key, show its public half", "", newCommand(), publicCommand())
}

// passphraseVar names the environment variable with a key's passphrase.
const passphraseVar = "TCRELEASE_PASSPHRASE"

// Flags say where a private key and its passphrase are.
type Flags struct{ key, passphraseFile string }

// Add adds --key and --passphrase-file to c.
func (k *Flags) Add(c *cobra.Command) {
	c.Flags().StringVar(&k.key, "key", os.Getenv("TCRELEASE_KEY"), "file of the private key; also TCRELEASE_KEY")
	k.addPassphrase(c)
}

func (k *Flags) addPassphrase(c *cobra.Command) {
	c.Flags().StringVar(&k.passphraseFile, "passphrase-file", "", "file with the key's passphrase; else "+passphraseVar)
}

func (k *Flags) passphrase() ([]byte, error) {
	if k.passphraseFile == "" {
		return []byte(os.Getenv(passphraseVar)), nil
	}
	text, err := os.ReadFile(k.passphraseFile)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	return bytes.TrimRight(text, "\r\n"), nil
}

// Read opens the private key. No key, or a wrong passphrase, is an error that says how to give it.
func (k *Flags) Read() (*pgp.Key, error) {
	if k.key == "" {
		return nil, cli.Usage("no key: give --key FILE (tcrelease key new makes one)")
	}
	f, err := os.Open(k.key)
	if err != nil {
		return nil, fmt.Errorf("opening the key: %w", err)
	}
	defer f.Close()
	passphrase, err := k.passphrase()
	if err != nil {
		return nil, err
	}
	key, err := pgp.Read(f, passphrase)
	if errors.Is(err, pgp.ErrPassphrase) {
		return nil, fmt.Errorf("opening the key %q: %w; give it in %s or by --passphrase-file", k.key, err, passphraseVar)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the key %q: %w", k.key, err)
	}
	return key, nil
}
