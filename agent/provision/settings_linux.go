package provision

import (
	"context"
	"fmt"

	"tcenvsvr/agent/paths"
	"tcenvsvr/agent/settings"
)

// sandboxSetting has Apps become the user that was made for them. Where nobody
// said which, they would run as the agent's own user and read its secrets.
func sandboxSetting(_ context.Context, h *Host) ([]Finding, error) {
	const name = "appsSandboxUser"
	p, err := paths.New(h.Home)
	if err != nil {
		return nil, err
	}
	s, origins, err := settings.Load(settings.Options{File: p.Settings})
	if err != nil {
		return nil, err
	}
	if origins[name].Layer != settings.FromDefault || s.AppsRunner == "none" {
		return nil, nil
	}
	return []Finding{{
		Text: fmt.Sprintf("setting %q is not set: Apps would run as the agent's own user and could read its secrets", name),
		Fix:  fmt.Sprintf("set to %q", Sandbox),
		do: func(context.Context) error {
			return settings.Set(p.Settings, map[string]string{name: Sandbox}, nil)
		},
	}}, nil
}
