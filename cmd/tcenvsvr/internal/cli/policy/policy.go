package policy

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// What the exit codes tell apart.
var (
	ErrDenied  = errors.New("the policy denies it")
	ErrInvalid = errors.New("the policy cannot be used")
)

// Command returns the group "policy".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("policy", "what this host allows, whatever the cloud says",
		`Policy is the file /etc/threatconnect-envsvr/policy.yaml, which root alone can write: which Apps
may run here, by name, version, SHA-256 or who signed them, for how long, and whether
orders must be signed. The agent asks it before every order; a change counts at once. A
policy that cannot be read, or that somebody else can write, denies everything. Without
a file everything is allowed. The first rule that matches decides; none: denied.

  version: 1
  publishers:
    acme:
      - key: RWSFolMZ1KR8sAoVG4wQm2yMEJNrs5HF1Cbbat3kTsLhI5CQpKOKF3Gj
  rules:
    - allow: our own Apps
      apps: [ACME_*]
      publishers: acme
      max-timeout: 30m

  tcenvsvr policy show
  tcenvsvr policy check my_app.tcx --policy draft.yaml
  tcenvsvr policy test --app TCPB_-_Ping --version 1.0.2`,
		showCommand(e), checkCommand(e), testCommand(e))
}

// maxDraft is one byte more than a policy may have.
const maxDraft = policy.MaxSize + 1

// draftFlag adds --policy to a command.
func draftFlag(c *cobra.Command, e *env.Env) *string {
	draft := c.Flags().String("policy", "", "a draft to go by, instead of the policy of this host; anybody may own it")
	e.Reads(c, func([]string) []string { return []string{*draft} })
	return draft
}

// read returns the policy of this host, or the draft, and where it lies.
func read(e *env.Env, draft string) (p *policy.Policy, path string, err error) {
	if draft == "" {
		paths, err := e.Paths()
		if err != nil {
			return nil, "", err
		}
		return policy.NewFile(paths.Policy).Policy(), paths.Policy, nil
	}
	f, err := e.Open(draft)
	if err != nil {
		return nil, "", fmt.Errorf("reading policy: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDraft))
	if err != nil {
		return nil, "", fmt.Errorf("reading policy: %w", err)
	}
	if p, err = policy.Parse(text); err != nil {
		return nil, "", fmt.Errorf("%w: %q: %w", ErrInvalid, draft, err)
	}
	return p, draft, nil
}

// invalid is the error of a policy that denies everything.
func invalid(p *policy.Policy) error {
	if err := p.Err(); err != nil {
		return fmt.Errorf("%w, and every order is denied: %w", ErrInvalid, err)
	}
	return nil
}
