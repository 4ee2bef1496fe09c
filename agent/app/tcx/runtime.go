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
	for _, l := range Levels {
		if m.Is(l.Level) {
			return l.Runtime, nil
		}
	}
	if len(m.RuntimeLevel) == 0 {
		return "", fault.New(fault.Unsupported, "runtimeLevel is missing: %s are supported", supported())
	}
	return "", fault.New(fault.Unsupported, "runtimeLevel %.80q: %s are supported%s", m.RuntimeLevel, supported(), question(RuntimeLevels, m.RuntimeLevel...))
}

// Levels are the runtimeLevels that Environment Servers run. An App with several is run by the first.
var Levels = []struct {
	Level   string
	Runtime wire.Runtime
}{
	{"Playbook", wire.RuntimePlaybook},
	{"Organization", wire.RuntimeJob},
	{"TriggerService", wire.RuntimeTriggerService},
	{"WebhookTriggerService", wire.RuntimeWebhookTriggerService},
	{"ApiService", wire.RuntimeAPIService},
	{"FeedApiService", wire.RuntimeFeedAPIService},
}

// RunsAs reports whether the App's runtimeLevel allows the runtime.
func (m *Manifest) RunsAs(r wire.Runtime) bool {
	for _, l := range Levels {
		if l.Runtime == r {
			return m.Is(l.Level)
		}
	}
	return false
}

// supported lists the levels as a sentence has them.
func supported() string {
	var words []string
	for _, l := range Levels {
		words = append(words, l.Level)
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
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
