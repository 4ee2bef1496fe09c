package settings

import (
	"fmt"

	"tcenvsvr/agent/settings"
)

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
func Shown(text string) string {
	if text == "" {
		return "<empty>"
	}
	return text
}

// applies says when a running agent takes a new value.
func Applies(s settings.Setting) string {
	if s.Live {
		return "at once"
	}
	return "after a restart"
}

// wants is what a setting allows, for help.
func Wants(s settings.Setting) string {
	text := s.Want()
	if s.Secret {
		text = "a secret"
	}
	if s.Example != "" {
		text += fmt.Sprintf(", e.g. %s", s.Example)
	}
	return text
}
