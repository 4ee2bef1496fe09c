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
)

// SettingFlags gives c a flag for each setting that is no secret (secrets
// do not belong on command lines) and returns a function that tells which were
// given; an empty one ("--proxyHost=") was given, too.
func SettingFlags(c *cobra.Command) func() map[string]string {
	for _, s := range settings.All {
		if !s.Secret {
			c.Flags().String(s.Name, "", s.Help)
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

// Settings loads what there is; nothing has to be there. What is there and
// cannot be read is an error: with the defaults in its place, Apps would run as
// whoever asks instead of the sandbox user.
func (e *Env) Settings(overrides map[string]string) (settings.Settings, error) {
	return e.Unsealed(overrides, nil)
}

// Unsealed is Settings with the secrets that unseal opens.
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

// Blocked says which folder on the way to the agent's files this process cannot
// pass and what to type, "" where there is none. That the home is closed to others than the
// agent is as it should be; what lies above it is not to be.
func (e *Env) Blocked() string {
	p, err := e.Paths()
	if err != nil {
		return ""
	}
	way := filepath.Dir(p.Home)
	if e.Became != "" { // the agent's user
		way = p.State
	}
	folder := paths.Barrier(way)
	if folder == "" {
		return ""
	}
	name := "this user"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return paths.Opening(folder, name)
}
