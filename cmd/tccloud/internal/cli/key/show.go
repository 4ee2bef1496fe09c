package key

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func show(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show FILE", Short: "show a key's id and its public key", Args: cli.Exactly(1, "a file"),
		Long: `Show prints a key's id and its public key as one word, as policies have it. FILE
holds a public or a secret key.

  tccloud key show publisher.key.pub`,
	}
	password := o.SecretKey(cmd)
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if k, err := signature.ReadPublicKey(args[0]); err == nil {
			return answer(o, *asJSON, k, "", "")
		}
		k, err := password.Read(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return answer(o, *asJSON, k.Public(), "", "")
	}
	return cmd
}
