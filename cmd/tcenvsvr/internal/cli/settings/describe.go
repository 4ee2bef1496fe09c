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

// Shown returns text, or a mark where text is empty.
func Shown(text string) string {
	if text == "" {
		return "<empty>"
	}
	return text
}

// Applies returns when a new value takes effect in a running agent.
func Applies(s settings.Setting) string {
	if s.Live {
		return "at once"
	}
	return "after a restart"
}

// Wants returns which values a setting allows.
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
