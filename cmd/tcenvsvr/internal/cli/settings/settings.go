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

// completeChanges completes NAME VALUE and NAME=VALUE: names, and the values of those that have few.
func completeChanges(c *cobra.Command, args []string, begin string) ([]string, cobra.ShellCompDirective) {
	if name, value, assigned := strings.Cut(begin, "="); assigned {
		return valuesOf(name, name+"=", value), cobra.ShellCompDirectiveNoFileComp
	}
	if len(args) == 1 && !strings.Contains(args[0], "=") {
		return valuesOf(args[0], "", begin), cobra.ShellCompDirectiveNoFileComp
	}
	return completeKeys(c, args, begin)
}

// valuesOf are the values of a setting that begin so, each after prefix.
func valuesOf(name, prefix, begin string) (list []string) {
	s, _ := settings.Lookup(name)
	choices := s.Choices
	if s.Kind == settings.Switch {
		choices = []string{"true", "false"}
	}
	for _, choice := range choices {
		if choice != "" && strings.HasPrefix(choice, begin) {
			list = append(list, prefix+choice)
		}
	}
	return list
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
