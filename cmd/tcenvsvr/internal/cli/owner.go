package cli

import (
	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// exception is a command that does not become the owner of HOME/.tcenvsvr
// when root starts it, and why.
type exception struct {
	whose env.RunAs
	why   string
}

// exceptions are by the command's words; a group's word counts for all below it. All
// other commands become the agent's user before they do anything.
var exceptions = map[string]exception{
	"host":                 {env.StayRoot, "it makes users and writes to /etc; the agent's files it opens without following links"},
	"service":              {env.StayRoot, "it speaks to the service manager and reads nothing of the agent's"},
	"job-shim":             {env.StayRoot, "it is told everything by whoever started it and has no home"},
	"doctor":               {env.StayRoot, "it looks at the host first, and becomes the owner itself before it looks at the rest"},
	"support-bundle":       {env.StayRoot, "like the doctor"},
	"certs export":         {env.StayRoot, "it writes where the administrator says, as who could exchange that folder; what it writes it has from AsOwner"},
	"certs system":         {env.StayRoot, "it writes the host's own store; which CAs, AsOwner says"},
	"certs python-wrapper": {env.StayRoot, "it writes beside the host's Python; the trust stores AsOwner makes"},
	"setup":                {env.HomeOwner, "interpreters lie in HOME, which may be root's; the setting is written by AsOwner"},
	"slot":                 {env.HomeOwner, "the programs of updates lie in HOME, which may be root's"},
	"update rollback":      {env.HomeOwner, "what runs next is decided where the programs lie"},
	"update pin":           {env.HomeOwner, "likewise"},
	"update resume":        {env.HomeOwner, "likewise"},
	"version":              {env.StayRoot, "it touches nothing"},
	"man":                  {env.StayRoot, "it writes where the administrator says, as who could exchange that folder"},
	"help":                 {env.StayRoot, "it touches nothing"},
	"completion":           {env.StayRoot, "it touches nothing"},
}

// becomeOwners has every command that root starts become a lesser user
// first, but for the exceptions.
func becomeOwners(c *cobra.Command, e *env.Env, words string, whose env.RunAs) {
	if x, ok := exceptions[words]; ok {
		whose = x.whose
	}
	for _, sub := range c.Commands() {
		name := sub.Name()
		if words != "" {
			name = words + " " + name
		}
		becomeOwners(sub, e, name, whose)
	}
	if c.RunE == nil {
		return
	}
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := e.Become(c, args, whose); err != nil {
			return err
		}
		return run(c, args)
	}
}
