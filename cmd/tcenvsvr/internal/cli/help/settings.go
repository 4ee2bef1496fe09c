package help

import (
	"strings"

	"tcenvsvr/agent/settings"
)

// settingsFile lists all settings. It is not called "settings", which is a command.
func settingsFile() Topic {
	s := Section{Title: "The settings, in the order of the menu of \"tcenvsvr configure\":", Term: "setting", Text: "meaning", Column: 30}
	for _, row := range settings.All {
		s.Rows = append(s.Rows, Row{row.Name, aboutSetting(row)})
	}
	return Topic{
		Name: "settings.yaml", Short: "every setting, its values and its default",
		Intro: `A setting comes from its default, the file settings.yaml, the environment (TCENVSVR_ and the name in capitals) or a flag of ` +
			`"tcenvsvr run"; the later one counts. "tcenvsvr settings show --origin" says which one did, "tcenvsvr settings set" changes the file, ` +
			`and a running agent notices the change by itself.`,
		Sections: []Section{s},
	}
}

// aboutSetting says everything about a setting but its name.
func aboutSetting(s settings.Setting) string {
	text := sentence(s.Help) + ". "
	if s.Secret {
		text += "A secret"
	} else {
		text += sentence(s.Want())
	}
	if s.Default != "" {
		text += ", by default " + s.Default
	}
	if s.Example != "" {
		text += ", for example " + s.Example
	}
	if s.Live {
		return text + ". A change counts at once."
	}
	return text + ". A change counts after a restart."
}

// sentence starts with a capital letter.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
