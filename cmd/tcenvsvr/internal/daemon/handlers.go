package daemon

import (
	"context"
	"strings"

	"tcenvsvr/agent/control"
	"tcenvsvr/agent/logging"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// handlers answer requests on the control socket. A part with requests of its own adds rows.
func (d *daemon) handlers() control.Handlers {
	return control.Handlers{
		"GET status":           func(context.Context, []byte) (any, error) { return d.status(), nil },
		"POST keychain-unlock": d.vault.handler(),
		"POST keychain-rotate": control.With(d.rotateSealKey),
		"POST drain":           control.Do(d.agent.StartDrain),
		"POST resume":          control.Do(d.agent.Resume),
		"POST reload":          func(context.Context, []byte) (any, error) { return d.reload("command line") },
		"GET update":           d.updateProgress,
		"POST update":          control.With(d.checkUpdates),
		"POST update-imported": control.With(d.imported),
		"GET log-level":        func(context.Context, []byte) (any, error) { return d.level(), nil },
		"POST log-level": control.With(func(_ context.Context, want controlapi.LogLevel) (any, error) {
			return d.setLevel("command line", want.Level)
		}),
	}
}

func (d *daemon) level() controlapi.LogLevel {
	return controlapi.LogLevel{Level: strings.ToLower(d.levels.Level().String())}
}

// setLevel changes the log level until the agent ends, and returns the one before. by says who
// asked.
func (d *daemon) setLevel(by, name string) (before controlapi.LogLevel, err error) {
	before = d.level()
	level, err := logging.ParseLevel(name)
	if err != nil {
		return before, err
	}
	d.levels.Set(level)
	d.audit.Record(audit.LogLevelChanged, "level", d.level().Level, "before", before.Level, "by", by)
	d.logger.Info("log level changed", "level", d.level().Level, "before", before.Level, "by", by)
	return before, nil
}
