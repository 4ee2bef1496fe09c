package policy

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func testCommand(e *env.Env) *cobra.Command {
	var r policy.Request
	c := &cobra.Command{
		Use:   "test --app NAME",
		Short: "say what the policy would decide about an order",
		Long: `Test says what the policy decides about an order that is described by flags, and why each
rule before the one that decides does not match. What is left out is not there: the order
is not signed, its package neither. Exit code 0 says that it may run, 11 that it may not.

  tcenvsvr policy test --app TCPB_-_Ping --version 1.0.2 --publisher acme
  tcenvsvr policy test --app TCPB_-_Ping --signer soc --sealed --timeout 2h --json`,
		Args: cli.Exactly(0, "flags only"),
	}
	asJSON, draft := cli.JSONFlag(c), draftFlag(c, e)
	c.Flags().StringVar(&r.App, "app", "", "the App's name: the package's top folder without _v…")
	c.Flags().StringVar(&r.Version, "version", "", "its version")
	c.Flags().StringVar(&r.SHA256, "sha256", "", "digest of its package")
	c.Flags().StringVar(&r.Runtime, "runtime", "job", "job, playbook or service")
	c.Flags().DurationVar(&r.Timeout, "timeout", 0, "for how long the order asks (default: as long as it may)")
	c.Flags().StringVar(&r.Publisher, "publisher", "", "who signed the package, a name from the policy")
	c.Flags().StringVar(&r.Signer, "signer", "", "who signed the order, a name from the policy")
	c.Flags().BoolVar(&r.Sealed, "sealed", false, "encrypted parameters come sealed, or there are none")
	c.RunE = func(*cobra.Command, []string) error {
		p, path, err := read(e, *draft)
		if err != nil {
			return err
		}
		if err := possible(p, r); err != nil {
			return err
		}
		return decide(p, path, r).print(e, p, *asJSON)
	}
	return c
}

// possible refuses a request that no order can be.
func possible(p *policy.Policy, r policy.Request) error {
	switch {
	case r.App == "":
		return cli.Usage("policy test: --app is missing")
	case !slices.Contains([]string{"job", "playbook", "service"}, r.Runtime):
		return cli.Usage("policy test: --runtime is %.40q; job, playbook and service are possible", r.Runtime)
	case r.Timeout < 0:
		return cli.Usage("policy test: --timeout %s is negative", r.Timeout)
	}
	if err := r.Check(); err != nil {
		return cli.Usage("policy test: --%w", err)
	}
	doc := p.View().Document
	if doc == nil { // there is no policy, or none that counts: any name will do
		return nil
	}
	for _, owner := range []struct {
		flag, name string
		known      map[string][]policy.Key
	}{{"publisher", r.Publisher, doc.Publishers}, {"signer", r.Signer, doc.Signers}} {
		if _, known := owner.known[owner.name]; owner.name != "" && !known {
			return cli.Usage("policy test: --%s %.80q is none of the policy's, which are %q", owner.flag, owner.name, slices.Sorted(maps.Keys(owner.known)))
		}
	}
	return nil
}
