package identity

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/atomicfile"
	"tcenvsvr/agent/bundle"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

func enroll(e *verb.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "enroll FILE",
		Short: "connect this host to an Environment by its bundle",
		Long: `Enroll reads a bundle that was downloaded from the Dedicated Cloud, checks all
of it, and stores its settings and keystore.

  tcenvsvr enroll threatconnect-envsvr-bundle.zip
  tcenvsvr enroll environment.env`,
		Args: verb.Exactly(1, "the bundle's file"),
		RunE: func(_ *cobra.Command, args []string) error { return enrollFile(e, args[0]) },
	}
}

func enrollFile(e *verb.Env, file string) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	b, err := bundle.Open(file)
	if err != nil {
		return err
	}
	keystore := b.Keystore
	if keystore == nil {
		if keystore, err = os.ReadFile(p.Keystore); err != nil {
			return fmt.Errorf("enrolling: %q has no keystore and this host has none yet: use the all-in-one bundle", file)
		}
		if _, given := b.Settings[bundle.KeystorePassword]; !given { // the one we have keeps its password
			old, _, err := settings.Load(settings.Options{File: p.Settings})
			if err != nil {
				return err
			}
			b.Settings[bundle.KeystorePassword] = old.KeystorePassword.Reveal()
		}
	}
	cert, _, err := bundle.Identity(keystore, b.Settings[bundle.KeystorePassword])
	if err != nil {
		return fmt.Errorf("enrolling with %q: %w", file, err)
	}
	if xid := b.Settings["serverXid"]; xid != "" && cert.Leaf.Subject.CommonName != xid {
		return fmt.Errorf("enrolling with %q: its certificate is for server %q and its serverXid is %q", file, cert.Leaf.Subject.CommonName, xid)
	}
	if err := p.Create(); err != nil {
		return err
	}
	// The keystore first: with the old settings it fails to open, loudly,
	// while new settings with an old keystore would claim a foreign identity.
	if b.Keystore != nil {
		if err := atomicfile.WriteFile(p.Keystore, b.Keystore, 0o600); err != nil {
			return fmt.Errorf("enrolling: %w", err)
		}
	}
	if err := settings.Set(p.Settings, b.Settings, nil); err != nil {
		return fmt.Errorf("enrolling with %q: %w", file, err)
	}
	fmt.Fprintf(e.Stderr, "enrolled as server %q of Environment %q; settings changed: %v\n",
		b.Settings["serverXid"], b.Settings["environment"], slices.Sorted(maps.Keys(b.Settings)))
	return nil
}
