package env

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
)

// SettingFlags gives c a flag for each setting that is no secret (secrets do not belong on command
// lines). The returned function has the settings that were given, also those given as empty
// ("--proxyHost=").
func SettingFlags(c *cobra.Command) func() map[string]string {
	for _, s := range settings.All {
		if !s.Secret {
			c.Flags().String(s.Name, "", s.Help)
			cli.BriefFlags(c.Flags(), `Settings for this call ("tcenvsvr help settings.yaml" explains them)`, s.Name)
		}
	}
	return func() map[string]string {
		given := map[string]string{}
		for _, s := range settings.All {
			if f := c.Flags().Lookup(s.Name); f != nil && f.Changed {
				given[s.Name] = f.Value.String()
			}
		}
		return given
	}
}

// LogFlag gives c the flag that says where the agent logs.
func LogFlag(c *cobra.Command) *string {
	return c.Flags().String("log-to", "auto", "auto, stderr, or file: .tcenvsvr/logs/tcenvsvr.log, rotated")
}

// Settings loads the settings of the home. A home without any has the defaults. Settings that exist
// and cannot be read are an error: with the defaults in their place, Apps would run as the calling
// user instead of the sandbox user.
func (e *Env) Settings(overrides map[string]string) (settings.Settings, error) {
	return e.Unsealed(overrides, nil)
}

// Unsealed is [Env.Settings] with the secrets that unseal opens.
func (e *Env) Unsealed(overrides map[string]string, unseal func(name, sealed string) (string, error)) (settings.Settings, error) {
	p, err := e.Paths()
	if err != nil {
		return settings.Settings{}, err
	}
	s, _, err := settings.Load(settings.Options{File: p.Settings, Keystore: p.Keystore, Env: e.Environ, Overrides: overrides, Unseal: unseal})
	if blocked := e.Blocked(); errors.Is(err, os.ErrPermission) && blocked != "" {
		return s, fmt.Errorf("%w\nhint: %s; with --home DIR, which need not exist, there is nothing to read", err, blocked)
	}
	if errors.Is(err, os.ErrPermission) {
		return s, fmt.Errorf("%w\nhint: run it as the agent's user (\"sudo -u threatconnect tcenvsvr …\"), or give a home of your own: --home DIR, which need not exist", err)
	}
	if err == nil {
		err = s.Check()
	}
	return s, err
}

// Blocked returns which folder on the path to the agent's files this process cannot pass, and what
// to type, as one sentence; "" if it can pass all. The home itself is closed to other users than
// the agent's by intent, so only the folders above it count.
func (e *Env) Blocked() string {
	p, err := e.Paths()
	if err != nil {
		return ""
	}
	dir := filepath.Dir(p.Home)
	if e.Became != "" { // the agent's user
		dir = p.State
	}
	folder := paths.Barrier(dir)
	if folder == "" {
		return ""
	}
	name := "this user"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return paths.Opening(folder, name)
}
