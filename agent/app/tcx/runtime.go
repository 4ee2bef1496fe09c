package tcx

import (
	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/link/wire"
)

// Runtime returns how Environment Servers run the App, or an error that says why they do not. Cloud
// and agent refuse in the same words.
func (m *Manifest) Runtime() (wire.Runtime, error) {
	if m.Language != "python" && m.Language != "java" {
		return "", fault.New(fault.Unsupported, "programLanguage %.40q: Environment Servers run python and java", m.Language)
	}
	for _, l := range Levels {
		if m.Is(l.Level) {
			return l.Runtime, nil
		}
	}
	return "", fault.New(fault.Unsupported, "runtimeLevel %.80q: Organization, Playbook, TriggerService, WebhookTriggerService, ApiService and FeedApiService are supported", m.RuntimeLevel)
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
