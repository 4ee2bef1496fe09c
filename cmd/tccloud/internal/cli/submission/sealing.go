package submission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// Sealing are the flags that say which parameters are sealed, and whom to trust for the keys.
type Sealing struct {
	seal  []string
	trust []string
	pins  []string
}

// sealAll is --seal without a name.
const sealAll = "*"

// Add adds the flags.
func (s *Sealing) Add(f *pflag.FlagSet) {
	f.StringSliceVar(&s.seal, "seal", nil, "seal these parameters to the Environment's servers, --seal=NAME,…; without a name all that the App of --package calls encrypted")
	f.Lookup("seal").NoOptDefVal = sealAll
	f.StringArrayVar(&s.trust, "trust", nil, "PEM file with the CA of the servers to seal to")
	f.StringArrayVar(&s.pins, "pin", nil, "fingerprint of a sealing key to seal to, sha256:…, as its server shows it")
}

// Used reports whether something is to be sealed.
func (s *Sealing) Used() bool { return len(s.seal) > 0 }

// Check refuses flags that do not go together; pkg is --package.
func (s *Sealing) Check(cmd *cobra.Command, pkg string) error {
	switch {
	case s.Used() && len(s.trust)+len(s.pins) == 0:
		return cli.Misuse(cmd, "--seal wants --trust or --pin: else the cloud could seal to itself")
	case !s.Used() && len(s.trust)+len(s.pins) > 0:
		return cli.Misuse(cmd, "--trust and --pin are for --seal")
	case len(s.seal) > 1 && slices.Contains(s.seal, sealAll):
		return cli.Misuse(cmd, "--seal without a name seals all secret parameters: it needs no other")
	case s.Used() && s.seal[0] == sealAll && pkg == "":
		return cli.Misuse(cmd, "--seal without a name wants --package: else the cloud would say which parameters are secret; or name them, --seal=NAME,…")
	}
	return nil
}

// Names are the parameters to seal, each once; Check has seen to pkg.
func (s *Sealing) Names(pkg *v1.App, params map[string]string) ([]string, error) {
	if s.seal[0] != sealAll {
		return slices.Compact(slices.Sorted(slices.Values(s.seal))), nil
	}
	names := Secrets(*pkg, params)
	if len(names) == 0 {
		return nil, operator.Try(errors.New("no parameter was given that the App calls encrypted"), "name those to seal, --seal=NAME")
	}
	return names, nil
}

// To are the servers of the Environment that the flags trust. It says on stderr which others there are.
func (s *Sealing) To(ctx context.Context, o *operator.Env, c *client.Client, environment string) ([]Recipient, error) {
	t, err := ReadTrust(s.trust, s.pins)
	if err != nil {
		return nil, err
	}
	list, err := c.Statements(ctx, environment)
	if err != nil {
		return nil, err
	}
	to, not, err := Recipients(list, t, environment, time.Now())
	if err != nil {
		return nil, operator.Try(err, "\"tccloud server show XID\" shows the sealing key that the cloud has, \"tcenvsvr keychain status\" on the server which it is")
	}
	for _, s := range not {
		fmt.Fprintf(o.Stderr, "tccloud: not sealed to %s, which will not get the order: %s\n", plain.Line(s.Name), plain.Line(s.Why))
	}
	return to, nil
}
