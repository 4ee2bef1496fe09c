package execution

import (
	"fmt"
	"io"
	"strings"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Summary prints an execution for people.
func Summary(w io.Writer, x v1.Execution) {
	pairs := []any{"execution", x.ID, "environment", x.Environment, "app", x.App.Name + "@" + x.App.Version, "state", x.State}
	if x.ExitCode != nil {
		pairs = append(pairs, "exit code", *x.ExitCode)
	}
	pairs = append(pairs, "signal", x.Signal, "message", x.Message, "error", x.Error, "reason", x.Reason, "server", x.ServerName,
		"attempt", x.Attempt, "created", operator.Time(x.Created), "started", operator.Time(x.Started), "ended", operator.Time(x.EndedAt),
		"limits", x.Limits, "parameters", strings.Join(x.Params, ", "))
	pairs = append(pairs, "sealed to", strings.Join(x.SealedTo, ", "), "waits", x.Waits)
	if x.SignedBy != "" {
		pairs = append(pairs, "signed by", fmt.Sprintf("key %s, to start until %s; verified by the server, not by the cloud", x.SignedBy, operator.Time(x.SignedUntil)))
	}
	if x.Ended && !x.Started.IsZero() {
		pairs = append(pairs, "duration", fmt.Sprintf("%d ms, prepared in %.1f ms", x.RunMS, float64(x.PrepareUS)/1000))
	}
	for _, name := range operator.Sorted(x.Results) {
		pairs = append(pairs, "result "+plain.Line(name), x.Results[name])
	}
	for _, f := range x.Files {
		if f.Error != "" {
			pairs = append(pairs, "file "+plain.Line(f.Name), "missing: "+f.Error)
		} else {
			pairs = append(pairs, "file "+plain.Line(f.Name), fmt.Sprintf("%d bytes", f.Size))
		}
	}
	for _, p := range x.History {
		pairs = append(pairs, fmt.Sprintf("attempt %d", p.Attempt), fmt.Sprintf("%s: %s", p.State, p.Reason))
	}
	cli.Facts(w, pairs...)
}
