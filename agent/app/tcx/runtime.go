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
	switch {
	case m.Is("Playbook"):
		return wire.RuntimePlaybook, nil
	case m.Is("Organization"):
		return wire.RuntimeJob, nil
	}
	return "", fault.New(fault.Unsupported, "runtimeLevel %.80q: Organization and Playbook are supported", m.RuntimeLevel)
}
