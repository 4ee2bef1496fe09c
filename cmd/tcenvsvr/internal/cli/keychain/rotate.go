package keychain

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

func rotateCommand(e *env.Env) *cobra.Command {
	var forget, asJSON bool
	c := &cobra.Command{
		Use:   "rotate",
		Short: "replace the key to which parameters are sealed",
		Long: `Rotate has the running service make a new sealing key, tell the cloud, and prints the new
fingerprint: give it to those who submit orders. The service does this by itself every 180
days. What was sealed to the key before opens for two months more.

--forget is for a key that became known: what was sealed to older keys, also what waits
in the cloud, opens nowhere any more and is refused with order.sealed. The passwords that
were sealed to it are to be changed, too.

  tcenvsvr keychain rotate
  tcenvsvr keychain rotate --forget`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return rotate(c.Context(), e, forget, asJSON) },
	}
	c.Flags().BoolVar(&forget, "forget", false, "drop the keys before it: what was sealed to them is refused")
	cli.JSONVar(c, &asJSON)
	return c
}

func rotate(ctx context.Context, e *env.Env, forget, asJSON bool) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	var done controlapi.Rotated
	if err := control.Call(ctx, p.Control, "POST", "keychain-rotate", controlapi.Rotation{Forget: forget}, &done); err != nil {
		return err
	}
	return cli.Answer(e.Stdout, asJSON, done, func(w io.Writer) { fmt.Fprintln(w, done.SealKey) })
}
