package policy

import (
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// shown is the answer of "policy show".
type shown struct {
	Path string `json:"path"`
	policy.View
}

func showCommand(e *env.Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "print the policy in force, and where it trusts much",
		Long: `Show prints the policy with every default written out, and on stderr what its author may
not have meant: rules that are never reached, rules that go by the cloud's word alone.

  tcenvsvr policy show
  tcenvsvr policy show --json
  tcenvsvr policy show --policy draft.yaml`,
		Args: cli.Exactly(0, "no arguments"),
	}
	asJSON, draft := cli.JSONFlag(c), draftFlag(c, e)
	c.RunE = func(*cobra.Command, []string) error {
		p, path, err := read(e, *draft)
		if err != nil {
			return err
		}
		if *asJSON {
			if err := cli.PrintJSON(e.Stdout, shown{path, p.View()}); err != nil {
				return err
			}
			return invalid(p)
		}
		if err := invalid(p); err != nil {
			return err
		}
		fmt.Fprintf(e.Stdout, "# %s\n%s", path, p.Describe())
		for _, a := range p.Advice() {
			fmt.Fprintf(e.Stderr, "note: %s\n", a)
		}
		return nil
	}
	return c
}
