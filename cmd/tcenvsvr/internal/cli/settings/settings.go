package settings

import (
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Command returns the group "settings".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("settings", "show and change settings",
		`Settings come from defaults, the file settings.yaml, the environment (TCENVSVR_ and
the name in capitals) and flags; the later wins. An empty value in the file or the
environment sets nothing; an empty flag (--proxyHost=) sets the default.
"tcenvsvr help settings.yaml" lists all of them.

  tcenvsvr settings show --origin
  tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true proxyUsername=me
  tcenvsvr settings set proxyPassword`,
		showCommand(e), getCommand(e), setCommand(e), unsetCommand(e), explainCommand(e), checkCommand(e))
}

// lookup finds a setting. The error for an unknown one names a setting of a similar name.
func lookup(key string) (settings.Setting, error) {
	s, ok := settings.Lookup(key)
	if !ok {
		return s, settings.Unknown(key, settings.Origin{Layer: "argument"})
	}
	return s, nil
}

// Load returns the settings as an agent that is started with this environment would have them, with
// secrets still sealed.
func Load(e *env.Env) (settings.Settings, settings.Origins, error) {
	p, err := e.Paths()
	if err != nil {
		return settings.Settings{}, nil, err
	}
	return settings.Load(settings.Options{File: p.Settings, Keystore: p.Keystore, Env: e.Environ})
}

// completeKeys completes the names of settings in shells.
func completeKeys(_ *cobra.Command, _ []string, begin string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, s := range settings.All {
		if strings.HasPrefix(strings.ToLower(s.Name), strings.ToLower(begin)) {
			names = append(names, s.Name+"\t"+s.Help)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
