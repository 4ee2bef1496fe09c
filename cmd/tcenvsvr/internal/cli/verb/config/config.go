package config

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

// Commands are the verbs of this topic.
func Commands(e *verb.Env) []*cobra.Command {
	return []*cobra.Command{cli.Group("settings", "show and change settings",
		`Settings come from defaults, the file settings.yaml, the environment (TCENVSVR_ and
the name in capitals) and flags; the later wins. An empty value in the file or the
environment says nothing; an empty flag (--proxyHost=) has the default count again.

  tcenvsvr settings show --origin
  tcenvsvr settings set proxyHost=proxy.example.com proxyPort=3128 proxyTC=true proxyUsername=me
  tcenvsvr settings set proxyPassword`,
		show(e), get(e), set(e), unset(e), explain(e), check(e)), configure(e)}
}

// lookup finds a setting, or says which one was perhaps meant.
func lookup(key string) (settings.Setting, error) {
	s, ok := settings.Lookup(key)
	if !ok {
		return s, settings.Unknown(key, settings.Origin{Layer: "argument"})
	}
	return s, nil
}

// load is what the verbs look at: the values as an agent that is started
// with this environment would have them, secrets unopened.
func load(e *verb.Env) (settings.Settings, settings.Origins, error) {
	p, err := e.Paths()
	if err != nil {
		return settings.Settings{}, nil, err
	}
	return settings.Load(settings.Options{File: p.Settings, Keystore: p.Keystore, Env: e.Environ})
}

// value is a setting as people see it.
type value struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // never that of a secret
	Set    bool   `json:"set"`
	Secret bool   `json:"secret"`
	Origin string `json:"origin"`
	Live   bool   `json:"live"`
}

func values(s settings.Settings, o settings.Origins) []value {
	all := make([]value, len(settings.All))
	for i, row := range settings.All {
		text := s.Text(row.Name)
		all[i] = value{row.Name, text, text != "", row.Secret, o[row.Name].String(), row.Live}
	}
	return all
}

// shown is a value where an empty one must be seen, too.
func shown(text string) string {
	if text == "" {
		return "<empty>"
	}
	return text
}

// applies says when a running agent takes a new value.
func applies(s settings.Setting) string {
	if s.Live {
		return "at once"
	}
	return "after a restart"
}

// wants is what a setting allows, for help.
func wants(s settings.Setting) string {
	text := s.Want()
	if s.Secret {
		text = "a secret"
	}
	if s.Example != "" {
		text += fmt.Sprintf(", e.g. %s", s.Example)
	}
	return text
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
