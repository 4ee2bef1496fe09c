package job

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/jobs"
)

// Command returns "tccloud job".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("job", "run Apps by a schedule",
		`Job manages Organization Apps that run by a schedule, or on demand, with stored
parameters. What a run leaves in results.tc (last_run, say) becomes a parameter of
the next one.

  tccloud job create daily-block-list lab Block_List --schedule @daily --zone Europe/Berlin
  tccloud job create alerts lab "Alerts@>=1.2 <2" --schedule "every 15m" --param-file params.json
  tccloud job history alerts
  tccloud job pause alerts`,
		create(o), list(o), show(o), edit(o), run(o), pause(o, true), pause(o, false), history(o), remove(o))
}

func answer(o *operator.Env, asJSON bool, j v1.Job) error {
	return cli.Answer(o.Stdout, asJSON, j, func(w io.Writer) {
		pairs := []any{
			"job", j.Name, "environment", j.Environment, "server", j.Server, "app", appName(j), "runs now take", takes(j), "schedule", schedule(j),
			"paused", operator.Yes(j.Paused), "next run", operator.Time(j.Next), "missed runs", missed(j.Missed),
		}
		if j.TimeoutMS > 0 {
			pairs = append(pairs, "timeout", time.Duration(j.TimeoutMS)*time.Millisecond)
		}
		if j.Retries > 0 {
			pairs = append(pairs, "retries", fmt.Sprintf("%d, %s after a failure", j.Retries, time.Duration(j.RetryDelayMS)*time.Millisecond))
		}
		pairs = append(pairs, "limits", j.Limits, "failures are told", operator.Yes(j.Notify), "parameters", strings.Join(j.Params, ", "),
			"not used: the App has none of the name", strings.Join(j.Unused, ", "))
		if s := j.Sealed; s != nil {
			pairs = append(pairs, "sealed", strings.Join(s.Params, ", "), "sealed to", strings.Join(s.To, ", "),
				"no runs go to", strings.Join(s.Not, ", "), "seal again before", operator.Time(s.Until))
		}
		for _, name := range operator.Sorted(j.Left) {
			pairs = append(pairs, "left by runs: "+plain.Line(name), j.Left[name])
		}
		if j.Run != nil {
			pairs = append(pairs, "running", underWay(*j.Run))
		}
		if len(j.History) > 0 {
			pairs = append(pairs, "last run", ended(j.History[0]))
		}
		cli.Facts(w, pairs...)
	})
}

func appName(j v1.Job) string {
	if j.Version == "" {
		return j.App
	}
	return j.App + "@" + j.Version
}

// takes is the version that a run would take now, where the Job does not say one.
func takes(j v1.Job) string {
	switch {
	case j.Takes == "":
		return "none: the cloud has no such version"
	case j.Takes == j.Version:
		return ""
	}
	return "version " + j.Takes
}

func schedule(j v1.Job) string {
	switch {
	case j.Schedule == "":
		return "on demand"
	case j.Zone == "":
		return j.Schedule + " (UTC)"
	}
	return j.Schedule + " (" + j.Zone + ")"
}

func missed(m jobs.Missed) string {
	if m == jobs.Once {
		return "made good by one run"
	}
	return "skipped"
}

func underWay(r jobs.Run) string {
	s := fmt.Sprintf("execution %s, due %s", r.Order, operator.Time(r.Due))
	if r.Version != "" {
		s += ", version " + r.Version
	}
	if r.Try > 1 {
		s += fmt.Sprintf(", try %d", r.Try)
	}
	if !r.Again.IsZero() {
		s += fmt.Sprintf(", ended %s, next try at %s", r.Outcome, operator.Time(r.Again))
	}
	return s
}

func ended(r jobs.Run) string {
	s := fmt.Sprintf("%s, due %s", r.Outcome, operator.Time(r.Due))
	if r.Version != "" {
		s += ", version " + r.Version
	}
	if r.Message != "" {
		s += ": " + r.Message
	}
	return s
}
