package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/packaging/pgp"
)

// passphraseVar names the environment variable with a key's passphrase.
const passphraseVar = "TCRELEASE_PASSPHRASE"

// keyFlags say where a private key and its passphrase are.
type keyFlags struct{ key, passphraseFile string }

func (k *keyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&k.key, "key", os.Getenv("TCRELEASE_KEY"), "file of the private key; also TCRELEASE_KEY")
	k.addPassphrase(c)
}

func (k *keyFlags) addPassphrase(c *cobra.Command) {
	c.Flags().StringVar(&k.passphraseFile, "passphrase-file", "", "file with the key's passphrase; else "+passphraseVar)
}

func (k *keyFlags) passphrase() ([]byte, error) {
	if k.passphraseFile == "" {
		return []byte(os.Getenv(passphraseVar)), nil
	}
	text, err := os.ReadFile(k.passphraseFile)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	return bytes.TrimRight(text, "\r\n"), nil
}

func (k *keyFlags) read() (*pgp.Key, error) {
	if k.key == "" {
		return nil, usageError{errors.New("no key: give --key FILE (tcrelease key new makes one)")}
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

func keyCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "make a signing key, show its public half"}
	c.AddCommand(keyNew(e), keyPublic(e))
	return c
}

func keyNew(e *env) *cobra.Command {
	var out, name, email string
	var without bool
	var k keyFlags
	c := &cobra.Command{
		Use:   "new -o FILE",
		Short: "make a key that signs packages and repositories",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			passphrase, err := k.passphrase()
			if err != nil {
				return err
			}
			if len(passphrase) == 0 && !without {
				return usageError{fmt.Errorf("no passphrase: give it in %s or by --passphrase-file, or say --no-passphrase", passphraseVar)}
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
			fmt.Fprintf(e.stdout, "%s: RSA 4096, fingerprint %s\n", out, key.Fingerprint())
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

func keyPublic(e *env) *cobra.Command {
	var k keyFlags
	c := &cobra.Command{
		Use:   "public --key FILE",
		Short: "print the public half, as hosts import it",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			key, err := k.read()
			if err != nil {
				return err
			}
			public, err := key.Public()
			if err != nil {
				return err
			}
			_, err = e.stdout.Write(public)
			return err
		},
	}
	k.add(c)
	return c
}
