package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Save writes changes to the file, reloads a running agent, and prints when they take effect.
// Without force it refuses changes after which the agent would not start any more.
func Save(ctx context.Context, e *env.Env, changes map[string]string, force bool) error {
	p, err := e.Paths()
	if err != nil {
		return err
	}
	if err := keepIdentity(p.Settings, changes); err != nil {
		return err
	}
	if _, err := os.Stat(p.State); errors.Is(err, fs.ErrNotExist) {
		if err := p.Create(); err != nil {
			return err
		}
	}
	if !force {
		if err := there(changes); err != nil {
			return fmt.Errorf("changing settings: %w", err)
		}
	}
	seal, err := e.Sealer(ctx)
	if err != nil {
		return err
	}
	o := settings.Options{File: p.Settings, Keystore: p.Keystore, Env: e.Environ}
	check := startable(p, changes)
	if force {
		check = nil
	}
	if err := settings.Change(o, changes, seal, check); err != nil {
		return err
	}
	s, origins, err := settings.Load(o)
	if err != nil {
		return err
	}
	audit.Open(p.Audit).Record(audit.SettingsChanged, "settings", slices.Sorted(maps.Keys(changes)), "by", "command line")
	running := reload(ctx, e, p.Control)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		row, _ := settings.Lookup(name)
		fmt.Fprintf(e.Stderr, "%s = %s", row.Name, Shown(s.Text(row.Name)))
		if o := origins[row.Name]; o.Layer == settings.FromEnvironment {
			fmt.Fprintf(e.Stderr, ": %s says so and wins over the file", o)
		} else if running {
			fmt.Fprintf(e.Stderr, ": takes effect %s", Applies(row))
		}
		fmt.Fprintln(e.Stderr)
	}
	if err := s.Check(); err != nil {
		fmt.Fprintf(e.Stderr, "the settings do not fit together yet:\n%v\n", err)
	}
	return nil
}

// keepIdentity refuses to change the server's serverXid: the cloud, the certificate and the journal
// know this server by it.
func keepIdentity(file string, changes map[string]string) error {
	for name, text := range changes {
		row, err := lookup(name)
		if err != nil {
			return err
		}
		if !row.Fixed {
			continue
		}
		old, _, err := settings.Load(settings.Options{File: file})
		if err != nil {
			return err
		}
		if was := old.Text(row.Name); was != "" && was != text {
			return fmt.Errorf("setting %q is %q and never changes: the cloud knows this server by it\nhint: to become another server, enroll with its bundle", row.Name, was)
		}
	}
	return nil
}

// reload makes a running agent read the file now, and reports whether an agent runs and uses it.
func reload(ctx context.Context, e *env.Env, socket string) bool {
	err := control.Call(ctx, socket, "POST", "reload", nil, nil)
	if err != nil && !errors.Is(err, control.ErrNotRunning) {
		fmt.Fprintf(e.Stderr, "the running agent goes on with its old settings: %v\n", err)
	}
	return err == nil
}

// ForceFlag gives c the flag --force of the commands that save.
func ForceFlag(c *cobra.Command, force *bool) {
	c.Flags().BoolVar(force, "force", false, "save also what keeps the agent from starting")
}
