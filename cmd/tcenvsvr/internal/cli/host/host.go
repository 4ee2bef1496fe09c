package host

import (
	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/setup"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Command returns the group "host".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("host", "what this host needs to run Apps as tc-job",
		`Host sets this machine up to run Apps as a sandbox user, says how far it is from
that, and takes back what it did. The package does "host apply" by itself.

  users      threatconnect (the agent) and tc-job (Apps), where they do not exist
  programs   that the programs are whole, root's, and executable
  access     that both users can pass the folders above --home
  folders    owners, modes and ACLs below --home, /etc and /var/lib
  state      owner and mode of the agent's own files
  settings   appsSandboxUser is tc-job, where nobody set it
  sudoers    /etc/sudoers.d/threatconnect, active only once visudo accepts it
  sudo       the proof: threatconnect becomes tc-job
  su         a marked block in /etc/pam.d/su, if it is tried and changes su for no one else
  runtime    /run/threatconnect-envsvr, where the package's tmpfiles.d wants it
  fapolicyd  a rule for Apps, where fapolicyd has a rules.d
  labels     SELinux labels, where SELinux runs

  tcenvsvr host check
  sudo tcenvsvr host apply`,
		applyCommand(e), checkCommand(e), usersCommand(e), removeCommand(e))
}

// options are the flags of a command that changes the host.
type options struct{ packaged, dry, json bool }

func (o *options) flags(c *cobra.Command, packaged string) *cobra.Command {
	if packaged != "" {
		c.Flags().BoolVar(&o.packaged, "package", false, packaged)
	}
	c.Flags().BoolVar(&o.dry, "dry-run", false, "say what would be done, and change nothing")
	cli.JSONVar(c, &o.json)
	return c
}

func newHost(e *env.Env, packaged bool) (*setup.Host, error) {
	p, err := e.Paths()
	if err != nil {
		return nil, err
	}
	return &setup.Host{Home: p.Home, Packaged: packaged}, nil
}
