package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
	"tcenvsvr/cmd/tcenvsvr/internal/daemon"
)

func keychains(e *verb.Env) *cobra.Command {
	return cli.Group("keychain", "the master password and what it protects",
		`Keychain looks after the master password, which seals every secret in the
settings file. The service needs it at each start and takes it from the service
manager (after a restart), a systemd credential called masterkey, the file in
masterKeyFile, or systemd-ask-password. Without it the service is locked until
"keychain unlock".

  tcenvsvr keychain init
  tcenvsvr keychain status`,
		keychainInit(e), keychainChange(e), keychainUnlock(e), keychainStatus(e))
}

// give hands the password to a running service, which checks it and keeps
// it over restarts. It reports whether there is one.
func give(ctx context.Context, p paths.Paths, password []byte) (running bool, err error) {
	err = control.Call(ctx, p.Control, "POST", "keychain-unlock", daemon.MasterPassword{Password: password}, nil)
	if errors.Is(err, control.ErrNotRunning) {
		return false, nil
	}
	return true, err
}

func keychainUnlock(e *verb.Env) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "unlock",
		Short: "give a locked service its master password",
		Long: `Unlock gives the master password to the running service, which keeps it in
memory, and in the service manager's descriptor store over restarts.

  tcenvsvr keychain unlock
  tcenvsvr keychain unlock --master-key-file /root/masterkey`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return unlockService(c.Context(), e, file) },
	}
	masterKeyFlag(e, c, &file)
	return c
}

func unlockService(ctx context.Context, e *verb.Env, file string) error {
	p, chain, err := open(e)
	if err != nil {
		return err
	}
	if err := control.Call(ctx, p.Control, "GET", "status", nil, nil); err != nil {
		return err
	}
	password, err := e.Unlock(ctx, chain, file)
	if err != nil {
		refused(p, "keychain unlock", err)
		return err
	}
	defer clear(password)
	if _, err := give(ctx, p, password); err != nil {
		return fmt.Errorf("unlocking the service: %w", err)
	}
	fmt.Fprintln(e.Stderr, "the service is unlocked")
	return nil
}

func masterKeyFlag(e *verb.Env, c *cobra.Command, file *string) {
	e.Reads(c, func([]string) []string { return []string{*file} })
	c.Flags().StringVar(file, "master-key-file", "", "file with the master password alone, readable by its owner only")
}
