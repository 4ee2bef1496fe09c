package service

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// Command returns "tccloud service".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("service", "keep Apps running: triggers, webhooks and APIs",
		`Service manages Apps that run until they are stopped: triggers, webhooks and APIs
behind the firewall. One of the Environment's servers runs the App; if the App or the
server fails, it is started again.

  tccloud service create lookup lab Lookup_API --param-file params.json
  tccloud service show lookup
  tccloud service logs lookup --follow
  tccloud trigger add watcher new-alert --param-file trigger.json --start Enrich_Alert`,
		create(o), list(o), show(o), edit(o), running(o, true), running(o, false), restart(o), logs(o), events(o), token(o), remove(o))
}

func answer(o *operator.Env, asJSON bool, s v1.Service) error {
	return cli.Answer(o.Stdout, asJSON, s, func(w io.Writer) {
		cli.Facts(w, facts(s)...)
		for _, t := range s.Triggers {
			state := t.State
			if t.Problem != "" {
				state += ": " + t.Problem
			}
			cli.Facts(w, "trigger", t.Name, "  state", state, "  starts", t.Starts)
		}
	})
}

func facts(s v1.Service) []any {
	pairs := []any{
		"service", s.Name, "environment", s.Environment, "app", appName(s), "kind", s.Runtime, "state", phase(s), "waits", s.Waits,
	}
	if s.Server != "" {
		pairs = append(pairs, "only on server", s.Server)
	}
	if i := s.Instance; i != nil {
		pairs = append(pairs, "execution", i.Order, "on server", i.Server)
	}
	if l := s.Live; l != nil {
		pairs = append(pairs, "app", fmt.Sprintf("%s since %s", l.State, operator.Time(l.Since)))
		if !l.HeartbeatAt.IsZero() {
			pairs = append(pairs, "heartbeat", fmt.Sprintf("%s %s", operator.Time(l.HeartbeatAt), metric(l.Heartbeat)))
		}
	}
	if s.URL != "" {
		who := "with its token"
		if s.Public {
			who = "everybody"
		}
		pairs = append(pairs, "url", s.URL, "may be called", who, "calls", fmt.Sprintf("at most %d in a second, %d bytes, %s",
			s.Rate, s.MaxBody, time.Duration(s.CallTimeoutMS)*time.Millisecond))
	}
	if s.Token != "" {
		pairs = append(pairs, "token (shown once)", s.Token)
	}
	pairs = append(pairs, "log level", s.LogLevel, "limits", s.Limits, "parameters", strings.Join(s.Params, ", "), "restarts", s.Restarts)
	if len(s.Ends) > 0 {
		pairs = append(pairs, "last end", ended(s.Ends[0]))
	}
	return pairs
}

func metric(m []byte) string {
	if len(m) == 0 || string(m) == "{}" {
		return ""
	}
	return string(m)
}

func appName(s v1.Service) string {
	if s.Version == "" {
		return s.App
	}
	return s.App + "@" + s.Version
}

// phase says how the service is, and what it waits for.
func phase(s v1.Service) string {
	switch {
	case s.Phase == services.Waiting && !s.Again.IsZero():
		return "waiting: it starts again at " + operator.Time(s.Again)
	case s.Phase == services.Starting && s.Live == nil:
		return "starting: no server has it yet"
	case s.Phase == services.Starting:
		return "starting: the App is " + string(s.Live.State)
	}
	return string(s.Phase)
}

func ended(e services.End) string {
	s := fmt.Sprintf("%s at %s", e.Outcome, operator.Time(e.At))
	if e.Told {
		s += " (was told to)"
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}
