package enroll

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/enroll"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	keychaincmd "tcenvsvr/cmd/tcenvsvr/internal/cli/keychain"
)

// verified is the answer of "verify".
type verified struct {
	ServerXID   string    `json:"server_xid"`
	Environment string    `json:"environment"`
	Broker      string    `json:"broker"`
	API         string    `json:"api"`
	Until       time.Time `json:"certificate_expires"`
}

// VerifyCommand returns "verify".
func VerifyCommand(e *env.Env) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "verify",
		Short: "say whether the cloud takes this server",
		Long: `Verify asks broker and API of the cloud whether they take this server with the identity
that it has, as enroll does, and changes nothing. The service may run or not. It needs the
master password where that is not in a file.

Exit code 0 says that they do, 6 that this host is not enrolled, 12 that the cloud answered and
does not take it (revoked, renewed elsewhere, unknown), 1 that it could not be asked.

  tcenvsvr verify
  tcenvsvr verify --json --master-key-file /etc/threatconnect-envsvr/masterkey`,
		Args: cli.Exactly(0, "no arguments"),
	}
	asJSON := cli.JSONFlag(c)
	keychaincmd.MasterKeyFlag(e, c, &file)
	c.RunE = func(c *cobra.Command, _ []string) error {
		a, err := verify(c.Context(), e, file)
		if err != nil {
			return fmt.Errorf("verifying this server: %w", err)
		}
		return cli.Answer(e.Stdout, *asJSON, a, func(w io.Writer) {
			fmt.Fprintf(w, "the cloud takes server %q of Environment %q; its certificate is valid until %s, and is renewed before\n",
				a.ServerXID, a.Environment, a.Until.Format(time.DateOnly))
		})
	}
	return c
}

func verify(ctx context.Context, e *env.Env, file string) (verified, error) {
	h := &host{}
	if err := h.look(e); err != nil {
		return verified{}, err
	}
	if err := h.Settings.Enrolled(); err != nil && h.chain == nil {
		return verified{}, err
	}
	if err := h.unlock(ctx, file); err != nil {
		return verified{}, err
	}
	if h.Identity == nil {
		return verified{}, cmp.Or(h.unusable, settings.ErrNotEnrolled)
	}
	reach, err := h.dialing(h.Settings, h.Identity.CAs())
	if err != nil {
		return verified{}, err
	}
	cert := h.Identity.Current()
	environment, err := enroll.Verify(ctx, h.Settings, cert, reach)
	return verified{h.Settings.ServerXID, environment, h.Settings.BrokerAddr(), h.Settings.APIURL, cert.Leaf.NotAfter}, err
}
