package setup

import (
	"context"
	"encoding/json"
	"fmt"

	"tcenvsvr/agent/host/become"
	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/host/setup/plan"
	"tcenvsvr/agent/settings"
)

const sandboxUser = "appsSandboxUser"

// sandboxSetting sets the user that Apps run as, where nobody did: else they would run as the
// agent's own user and could read its secrets.
func sandboxSetting(ctx context.Context, h *Host) ([]plan.Finding, error) {
	p, err := paths.New(h.Home)
	if err != nil {
		return nil, err
	}
	unset, runner, err := sandboxNow(ctx, p)
	if err != nil || !unset || runner == "none" {
		return nil, err
	}
	return []plan.Finding{{
		Text: fmt.Sprintf("setting %q is not set: Apps would run as the agent's own user and could read its secrets", sandboxUser),
		Fix:  fmt.Sprintf("set to %q", layout.Sandbox),
		Do:   func(ctx context.Context) error { return setSandbox(ctx, p) },
	}}, nil
}

// sandboxNow reports whether the setting is at its default, and which runner starts Apps. Root asks
// a process of the agent's user, in whose folder the file is.
func sandboxNow(ctx context.Context, p paths.Paths) (unset bool, runner string, err error) {
	owner, err := become.Owner(p.State)
	if err != nil {
		return false, "", err
	}
	if owner == nil {
		s, origins, err := settings.Load(settings.Options{File: p.Settings})
		return origins[sandboxUser].Layer == settings.FromDefault, s.AppsRunner, err
	}
	answer, err := become.Run(ctx, p.State, "--home", p.Home, "settings", "show", "--json")
	if err != nil {
		return false, "", fmt.Errorf("reading the settings as user %q: %w", owner.Name, err)
	}
	var shown []struct{ Name, Value, Origin string }
	if err := json.Unmarshal(answer, &shown); err != nil {
		return false, "", fmt.Errorf("reading the settings as user %q: %w", owner.Name, err)
	}
	for _, s := range shown {
		switch s.Name {
		case sandboxUser:
			unset = s.Origin == string(settings.FromDefault)
		case "appsRunner":
			runner = s.Value
		}
	}
	return unset, runner, nil
}

func setSandbox(ctx context.Context, p paths.Paths) error {
	owner, err := become.Owner(p.State)
	switch {
	case err != nil:
		return err
	case owner == nil:
		return settings.Set(p.Settings, map[string]string{sandboxUser: layout.Sandbox}, nil)
	}
	_, err = become.Run(ctx, p.State, "--home", p.Home, "settings", "set", sandboxUser+"="+layout.Sandbox)
	return err
}
