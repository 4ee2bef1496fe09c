package cli

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// exception is a command that does not become the owner of HOME/.tcenvsvr when root starts it, and
// the reason.
type exception struct {
	as  env.RunAs
	why string
}

// exceptions are keyed by the command's words; those of a group count for all commands below it.
// All other commands become the agent's user before they do anything.
var exceptions = map[string]exception{
	"host":                 {env.StayRoot, "it makes users and writes to /etc; the agent's files it opens without following links"},
	"service":              {env.StayRoot, "it speaks to the service manager and reads nothing of the agent's"},
	"job-shim":             {env.StayRoot, "the agent that starts it hands it everything, and it has no home"},
	"doctor":               {env.StayRoot, "it looks at the host first, and becomes the owner itself before it looks at the rest"},
	"support-bundle":       {env.StayRoot, "like the doctor"},
	"certs export":         {env.StayRoot, "it writes to the folder that was named, as the user who could replace that folder; AsOwner gives it the CAs"},
	"certs system":         {env.StayRoot, "it writes the host's own store; AsOwner gives it the CAs"},
	"certs python-wrapper": {env.StayRoot, "it writes beside the host's Python; AsOwner makes the trust stores"},
	"setup":                {env.HomeOwner, "interpreters lie in HOME, which may be root's; the setting is written by AsOwner"},
	"slot":                 {env.HomeOwner, "the programs of updates lie in HOME, which may be root's"},
	"update rollback":      {env.HomeOwner, "what runs next is decided where the programs lie"},
	"update pin":           {env.HomeOwner, "it decides what runs next, like rollback"},
	"update resume":        {env.HomeOwner, "it decides what runs next, like rollback"},
	"app new":              {env.StayRoot, "it writes to a new folder, as the user who could replace that folder"},
	"version":              {env.StayRoot, "it touches nothing"},
	"man":                  {env.StayRoot, "it writes to the folder that was named, as the user who could replace that folder"},
	"help":                 {env.StayRoot, "it touches nothing"},
	"completion":           {env.StayRoot, "it touches nothing"},
}

// becomeOwners makes every command that root starts become another user first, except as exceptions
// says.
func becomeOwners(c *cobra.Command, e *env.Env, words string, as env.RunAs) {
	if x, ok := exceptions[words]; ok {
		as = x.as
	}
	for _, sub := range c.Commands() {
		name := sub.Name()
		if words != "" {
			name = words + " " + name
		}
		becomeOwners(sub, e, name, as)
	}
	if c.RunE == nil {
		return
	}
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := e.Become(c, args, as); err != nil {
			return err
		}
		return run(c, args)
	}
}
