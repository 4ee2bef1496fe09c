package keychain

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/masterkey"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func changePasswordCommand(e *env.Env) *cobra.Command {
	var oldFile, newFile string
	c := &cobra.Command{
		Use:   "change-password",
		Short: "change the master password",
		Long: `Change-password asks for the old master password, or takes it from where the
service does, and for the new one twice. The change is one rename: before it the
old password is in force, after it the new one. Sealed secrets stay as they are. With
--new-master-key-file the setting masterKeyFile follows.

  tcenvsvr keychain change-password
  tcenvsvr keychain change-password --new-master-key-file /etc/threatconnect-envsvr/masterkey-2`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return changePassword(c.Context(), e, oldFile, newFile) },
	}
	MasterKeyFlag(e, c, &oldFile)
	e.Reads(c, func([]string) []string { return []string{newFile} })
	c.Flags().StringVar(&newFile, "new-master-key-file", "", "file with the new master password")
	return c
}

func changePassword(ctx context.Context, e *env.Env, oldFile, newFile string) error {
	p, chain, err := open(e)
	if err != nil {
		return err
	}
	if err := env.CheckOwner(p.State); err != nil {
		return err
	}
	s, _, err := settings.Load(settings.Options{File: p.Settings, Env: e.Environ})
	if err != nil {
		return err
	}
	old, err := e.Unlock(ctx, chain, oldFile)
	if err != nil {
		RecordRefusal(p, "keychain change-password", err)
		return err
	}
	defer clear(old)
	var password []byte
	if newFile != "" {
		if newFile, err = filepath.Abs(newFile); err != nil {
			return err
		}
		password, err = e.MasterKey(newFile)
	} else {
		password, err = typeTwice(ctx, e)
	}
	if err != nil {
		return err
	}
	defer clear(password)
	if err := chain.ChangePassword(old, password); err != nil {
		return err
	}
	audit.Open(p.Audit).Record(audit.KeychainChanged)
	fmt.Fprintln(e.Stderr, "the master password is changed")
	switch {
	case newFile != "" && newFile != s.MasterKeyFile && ServiceReads(e, newFile):
		if err := settings.Set(p.Settings, map[string]string{"masterKeyFile": newFile}, nil); err != nil {
			return fmt.Errorf("the password is changed, and the service does not know where it is: %w", err)
		}
	case newFile == "" && s.MasterKeyFile != "":
		fmt.Fprintf(e.Stderr, "masterKeyFile %q is to be changed too: until it has the new password, a starting service is locked\n", s.MasterKeyFile)
	}
	if err := masterkey.Changed(p.State, password); err != nil {
		return err
	}
	if running, err := give(ctx, p, password); running && err != nil {
		fmt.Fprintf(e.Stderr, "the running service does not have the new password: %v\nhint: run \"tcenvsvr keychain unlock\"\n", err)
	}
	return nil
}
