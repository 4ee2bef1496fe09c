package configure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	settingscmd "tcenvsvr/cmd/tcenvsvr/internal/cli/settings"
)

// Command returns "configure".
func Command(e *env.Env) *cobra.Command {
	var sets []string
	var force bool
	c := &cobra.Command{
		Use:   "configure",
		Short: "change settings by a numbered menu",
		Long: `Configure asks, one line at a time: 1: System Configuration, 2: Edit System Config,
then the number of a setting. New values are tried at once (is there a Java 17? does the proxy
answer?), secrets are not shown, and nothing is written before all changes were shown and
confirmed. End of input and Ctrl-C leave everything as it was.

With --set it asks nothing: the same checks, then the file is written. A secret
comes from a file or, as a name alone, from standard input. --force also saves what
keeps the agent from starting.

  tcenvsvr configure
  tcenvsvr configure --set appsJavaHome=/usr/lib/jvm/java-17-openjdk --set proxyPassword=@/root/password`,
		Args: cli.Exactly(0, "no arguments, only flags"),
		RunE: func(c *cobra.Command, _ []string) error {
			if len(sets) == 0 {
				return newMenu(e).run(c.Context())
			}
			changes, err := settingscmd.ReadChanges(c.Context(), e, sets)
			if err != nil {
				return err
			}
			return setAll(c.Context(), e, changes, force)
		},
	}
	c.Flags().StringArrayVar(&sets, "set", nil, "change a setting as NAME=VALUE, NAME=@FILE or NAME; repeatable")
	settingscmd.ForceFlag(c, &force)
	e.Reads(c, func([]string) []string { return settingscmd.ValueFiles(sets) })
	return c
}

// setAll tries the new values and saves them, without asking.
func setAll(ctx context.Context, e *env.Env, changes map[string]string, force bool) error {
	s, _, err := settingscmd.Load(e)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		row, _ := settings.Lookup(name)
		if changes[name] == "" {
			continue
		}
		if _, err := row.Parse(changes[name]); err != nil {
			continue // Save reports it, with all others
		}
		if _, err := try(ctx, s, changes, row.Name); err != nil {
			errs = append(errs, fmt.Errorf("trying setting %q: %w", row.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w\nhint: \"tcenvsvr settings set\" writes without trying", err)
	}
	return settingscmd.Save(ctx, e, changes, force)
}
