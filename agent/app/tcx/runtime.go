package tcx

import (
	"slices"
	"strings"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/nearest"
)

// Runtime returns how Environment Servers run the App, or an error that says why they do not. Cloud
// and agent refuse in the same words.
func (m *Manifest) Runtime() (wire.Runtime, error) {
	if m.Language != "python" && m.Language != "java" {
		return "", fault.New(fault.Unsupported, "programLanguage %.40q: Environment Servers run python and java%s", m.Language, question(Languages, m.Language))
	}
	switch {
	case m.Is("Playbook"):
		return wire.RuntimePlaybook, nil
	case m.Is("Organization"):
		return wire.RuntimeJob, nil
	}
	if len(m.RuntimeLevel) == 0 {
		return "", fault.New(fault.Unsupported, "runtimeLevel is missing: Organization and Playbook are supported")
	}
	return "", fault.New(fault.Unsupported, "runtimeLevel %.80q: Organization and Playbook are supported%s", m.RuntimeLevel, question(RuntimeLevels, m.RuntimeLevel...))
}

// question asks for the known word that the first unknown one was meant to be.
func question(known []string, words ...string) string {
	for _, w := range words {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, w) }) {
			return nearest.Question(w, known)
		}
	}
	return ""
}
