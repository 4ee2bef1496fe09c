package keychain

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func initCommand(e *env.Env) *cobra.Command {
	var file string
	var replace bool
	c := &cobra.Command{
		Use:   "init",
		Short: "make the keychain and choose its master password",
		Long: `Init makes the keychain and seals the secrets that stand in the settings file.
With --master-key-file the service takes the password from that file at each
start (it becomes the setting masterKeyFile); otherwise it is asked for twice.

--replace is for a lost password: it makes a new keychain and removes the secrets
that the old one sealed, which nobody can open any more.

  tcenvsvr keychain init
  tcenvsvr keychain init --master-key-file /etc/threatconnect-envsvr/masterkey`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return initKeychain(c.Context(), e, file, replace) },
	}
	MasterKeyFlag(e, c, &file)
	c.Flags().BoolVar(&replace, "replace", false, "give up what an existing keychain sealed")
	return c
}

func initKeychain(ctx context.Context, e *env.Env, file string, replace bool) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	if err := env.CheckOwner(p.State); err != nil {
		return err
	}
	s, _, err := settings.Load(settings.Options{File: p.Settings})
	if err != nil {
		return err
	}
	if _, err := os.Lstat(p.Keychain); err == nil && !replace {
		return fmt.Errorf("making keychain %q: %w\nhint: \"keychain change-password\" changes its password; if that is lost, --replace starts anew", p.Keychain, keychain.ErrExists)
	}
	password, path, err := NewPassword(ctx, e, p, s, file)
	if err != nil {
		return err
	}
	defer clear(password)
	if err := keychain.CheckPassword(password); err != nil {
		return err
	}
	if err := p.Create(); err != nil {
		return err
	}
	changes, lost := map[string]string{}, SealedSettings(s)
	for _, name := range lost {
		changes[name] = ""
	}
	if path != "" && ServiceReads(e, path) {
		changes["masterKeyFile"] = path
	}
	if _, err := os.Lstat(p.SealKeys); err == nil && replace {
		lost = append(lost, sealKeyName)
	}
	_, err = Create(p, password, func(seal settings.SealFunc) error { return settings.Set(p.Settings, changes, seal) })
	if err != nil {
		return err
	}
	audit.Open(p.Audit).Record(audit.KeychainCreated, "replaced", replace, "lost", lost)
	fmt.Fprintf(e.Stderr, "keychain %q made\n", p.Keychain)
	if len(lost) > 0 {
		fmt.Fprintf(e.Stderr, "given up: %s\nto do again: %s\n", strings.Join(lost, ", "), ifLost(lost))
	}
	return nil
}
