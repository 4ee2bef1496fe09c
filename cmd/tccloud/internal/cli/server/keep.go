package server

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func keep(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "keep SERVER HOST", Short: "choose the host that is the server", Args: cli.Exactly(2, "a server and a host's id"),
		Long: `Keep chooses one of several hosts that run with the identity of one server: a
machine was cloned, or somebody has a copy of its keys. Until then the host that was
connected keeps its session, and the others are refused. HOST is an id that "server show"
lists, or its beginning; ID@ADDRESS where two have the same. The address is what the
cloud saw; name, machine and boot are what the host says, and a thief can say the same.

The chosen host renews its certificate as soon as it is connected, and the certificates that the
others have are refused from then on. A clone that is to work gets an identity of its
own: "tcenvsvr unenroll" there, then "tcenvsvr enroll" with another bundle.

Where keys were stolen, make a new bundle ("tccloud bundle ENV --server XID") instead: it
changes the tokens as well, with which a thief could still download Apps.

  tccloud server keep XID HOST --data DIR`,
	}
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, s, err := find(cmd.Context(), o, args[0])
		if err == nil {
			s, err = c.KeepHost(cmd.Context(), s.XID, args[1])
		}
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}
