package keychain

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// give hands the password to the running service, which checks it and keeps it over restarts.
// running reports whether there is a service.
func give(ctx context.Context, p paths.Paths, password []byte) (running bool, err error) {
	err = control.Call(ctx, p.Control, "POST", "keychain-unlock", controlapi.MasterPassword{Password: password}, nil)
	if errors.Is(err, control.ErrNotRunning) {
		return false, nil
	}
	return true, err
}

func unlockCommand(e *env.Env) *cobra.Command {
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
	MasterKeyFlag(e, c, &file)
	return c
}

func unlockService(ctx context.Context, e *env.Env, file string) error {
	p, chain, err := open(e)
	if err != nil {
		return err
	}
	if err := control.Call(ctx, p.Control, "GET", "status", nil, nil); err != nil {
		return err
	}
	password, err := e.Unlock(ctx, chain, file)
	if err != nil {
		RecordRefusal(p, "keychain unlock", err)
		return err
	}
	defer clear(password)
	if _, err := give(ctx, p, password); err != nil {
		return fmt.Errorf("unlocking the service: %w", err)
	}
	fmt.Fprintln(e.Stderr, "the service is unlocked")
	return nil
}
