package console_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/access/audit"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/releases"
	"tcenvsvr/cmd/tccloud/internal/services"
	"tcenvsvr/updater/release"
)

// workPages are those of Jobs, services, releases and variables.
var workPages = []string{"jobs", "jobs/alerts", "jobs/weekly", "new-job", "new-job?app=" + url.QueryEscape(formApp), "jobs/alerts/edit", "jobs/once/edit", "services", "services/hook", "services/old", "new-service", "new-service?app=Lookup", "services/lookup/edit", "services/hook/trigger", "services/hook/trigger?app=Plain", "releases", "variables"}

// work answers for Jobs, services, releases, variables and the audit log, and reports whether the path
// is of them.
func (f *fakeAPI) work(w http.ResponseWriter, r *http.Request, kind, name string) bool {
	name, verb, _ := strings.Cut(name, "/")
	switch kind {
	case "jobs":
		list := []v1.Job{}
		for _, j := range f.jobs {
			if j.Name == name {
				switch {
				case f.refused(w, r):
				case verb == "run":
					send(w, v1.Started{Execution: "5a0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a99"})
				case r.Method == http.MethodPatch:
					f.changedJob = v1.ChangeJob{}
					_ = json.NewDecoder(r.Body).Decode(&f.changedJob)
					send(w, j)
				default:
					send(w, j)
				}
				return true
			}
			list = append(list, j)
		}
		if r.Method == http.MethodPost && name == "" {
			if !f.refused(w, r) {
				f.newJob = v1.NewJob{}
				_ = json.NewDecoder(r.Body).Decode(&f.newJob)
				send(w, v1.Job{Name: f.newJob.Name, Next: time.Now()})
			}
			return true
		}
		if name != "" {
			refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no Job "+name)
			return true
		}
		send(w, list)
	case "services":
		list := []v1.Service{}
		for _, s := range f.services {
			if s.Name == name {
				switch {
				case f.refused(w, r):
				case verb == "events":
					send(w, f.events)
				case verb == "token":
					send(w, v1.Token{Token: secret})
				case verb == "triggers":
					f.trigger = v1.NewTrigger{}
					_ = json.NewDecoder(r.Body).Decode(&f.trigger)
					send(w, v1.Trigger{Name: f.trigger.Name, URL: secret})
				case r.Method == http.MethodDelete:
					w.WriteHeader(http.StatusNoContent)
				case r.Method == http.MethodPatch:
					f.changed = v1.ChangeService{}
					_ = json.NewDecoder(r.Body).Decode(&f.changed)
					send(w, s)
				default:
					send(w, s)
				}
				return true
			}
			list = append(list, s)
		}
		if r.Method == http.MethodPost && name == "" {
			if !f.refused(w, r) {
				f.newService = v1.NewService{}
				_ = json.NewDecoder(r.Body).Decode(&f.newService)
				s := v1.Service{Name: f.newService.Name, URL: "https://cloud.example/api/services/it's"}
				if !f.newService.Public {
					s.Token = secret
				}
				f.services = append(f.services, s)
				send(w, s)
			}
			return true
		}
		if name != "" {
			refuse(w, http.StatusNotFound, v1.CodeNotFound, "there is no service "+name)
			return true
		}
		send(w, list)
	case "releases":
		switch {
		case f.refused(w, r):
		case r.Method == http.MethodGet:
			send(w, f.updates)
		case name == "":
			n, _ := io.Copy(io.Discard, r.Body)
			f.added = n
			send(w, f.updates.Known)
		case name == "packages" && r.Method == http.MethodPut:
			n, _ := io.Copy(io.Discard, r.Body)
			f.added = n
			send(w, v1.Package{Name: verb, System: "rpm"})
		case name == "packages":
			w.WriteHeader(http.StatusNoContent)
		case name == "choices":
			f.chosen = v1.Choose{}
			_ = json.NewDecoder(r.Body).Decode(&f.chosen)
			send(w, f.updates.Plan)
		default:
			f.rollout = v1.NewRollout{}
			_ = json.NewDecoder(r.Body).Decode(&f.rollout)
			send(w, f.updates.Plan)
		}
	case "variables":
		switch {
		case r.Method == http.MethodGet:
			send(w, f.variables)
		case verb == "bad":
			refuse(w, http.StatusBadRequest, v1.CodeBadRequest, "want an id, not "+hostile)
		default:
			var c v1.Content
			_ = json.NewDecoder(r.Body).Decode(&c)
			f.content = c.Data
			w.WriteHeader(http.StatusNoContent)
		}
	case "audit":
		list := []v1.AuditEntry{}
		from := len(f.entries)
		if b := r.URL.Query().Get("before"); b != "" {
			if _, err := fmt.Sscanf(b, "%d-0", &from); err != nil || from > len(f.entries) {
				refuse(w, http.StatusBadRequest, v1.CodeBadRequest, "no entry has this id")
				return true
			}
		}
		var limit int
		_, _ = fmt.Sscanf(r.URL.Query().Get("limit"), "%d", &limit)
		for i := from - 1; i >= 0 && len(list) < limit; i-- {
			list = append(list, f.entries[i])
		}
		send(w, list)
	default:
		return false
	}
	return true
}

// refused reports whether what changes things is refused, and refuses it.
func (f *fakeAPI) refused(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || f.refuses == nil {
		return false
	}
	refuse(w, f.refuses.Status, f.refuses.Code, f.refuses.Message)
	return true
}

// fillWork makes Jobs, services, releases, variables and audit entries.
func (f *fakeAPI) fillWork(now time.Time) {
	const one, other = wire.ServerXID("7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a10"), wire.ServerXID("7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a13")
	const order = wire.OrderID("5a0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a01")
	run := func(ago time.Duration, outcome string, exit int, message string) jobs.Run {
		return jobs.Run{Due: now.Add(-ago), Why: jobs.Scheduled, Try: 1, Order: order, Version: "1.0.3", Ended: now.Add(-ago + time.Minute), Outcome: outcome, ExitCode: &exit, Message: message}
	}
	history := []jobs.Run{
		run(time.Hour, "failed", 1, hostile), run(2*time.Hour, "succeeded", 0, "14 indicators"), run(3*time.Hour, "succeeded", 0, strings.Repeat(hostile, 100)),
		{Due: now.Add(-4 * time.Hour), Why: jobs.Scheduled, Times: 3, Ended: now.Add(-4 * time.Hour), Outcome: jobs.Lost},
	}
	f.jobs = []v1.Job{
		{Name: "alerts", Environment: "lab", Server: one, App: formApp, Version: "2.0.0", Takes: "2.0.0", Schedule: "every 15m", Zone: "Europe/Berlin", Next: now.Add(10 * time.Minute), Created: now, History: history,
			Params: []string{"token", "level", "dry", "kinds", hostile}, Unused: []string{"gone", hostile}, Limits: wire.Limits{MemoryMB: 512}, Missed: jobs.Skip, Retries: 3, RetryDelayMS: 90_000, TimeoutMS: 600_000, Notify: true,
			Left: map[string]string{"last_run": "2026-11-30T02:00:00Z", hostile: strings.Repeat(hostile, 1000)}},
		{Name: "daily-block-list", Environment: "production", App: "Block_List", Takes: "2.1.0", Schedule: "@daily", Next: now.Add(9 * time.Hour), Created: now, History: history[1:2]},
		{Name: "weekly", Environment: "lab", App: hostile, Takes: "1.0.0", Schedule: "0 6 * * 1", Paused: true, Created: now, Run: &jobs.Run{Due: now, Why: jobs.Demanded, Try: 2, Order: order}},
		{Name: "once", Environment: "lab", App: "Gone", Created: now},
	}
	f.services = []v1.Service{
		{Name: "hook", ID: 7, Environment: "lab", Server: one, App: "Hook", Version: "1.2.0", Runtime: wire.RuntimeWebhookTriggerService, Params: []string{hostile}, Running: true, Phase: services.Ready,
			CallTimeoutMS: 30_000, MaxBody: 5 << 20, Rate: 500, Restarts: 2, Created: now, Waits: hostile,
			Instance: &services.Instance{Order: order, Started: now, Server: other, Ready: now}, Next: &services.Instance{Order: order, Started: now},
			Triggers: []v1.Trigger{{ID: 1, Name: "on-alert", Starts: hostile, State: "refused", Problem: hostile, Created: now}, {ID: 2, Name: "daily", State: "active", Webhook: true, Created: now}, {ID: 3, Name: "third", State: "waiting", Created: now}},
			Ends:     []services.End{{Order: order, At: now, Outcome: "failed", Message: hostile}, {Order: order, At: now, Outcome: "cancelled", Told: true}}},
		{Name: "old", Environment: "production", App: hostile, Phase: services.Stopped, Created: now},
		{Name: "lookup", Environment: "lab", App: "Lookup", Version: "1.0", Runtime: wire.RuntimeAPIService, Params: []string{"key"}, Running: true, Phase: services.Ready, URL: "https://cloud.example/api/services/v1/lookup", CallTimeoutMS: 90_000, MaxBody: 5 << 20, Rate: 500, Created: now},
		{Name: "wobbly", Environment: "lab", App: "Feed", Running: true, Phase: services.Waiting, Again: now.Add(time.Minute), Restarts: 31, Created: now},
		{Name: "young", Environment: "lab", App: "Feed", Running: true, Phase: services.Starting, Created: now},
	}
	f.events = []services.Event{
		{Service: "hook", Trigger: "on-alert", At: now, Started: order}, {Service: "hook", Trigger: hostile, At: now, Problem: hostile},
		{Service: "hook", At: now, Lost: 4, Reason: hostile}, {Service: "hook", Trigger: "daily", At: now},
	}
	f.updates = v1.Updates{
		Known:    releases.Known{Releases: []release.Release{{Version: "1.4.2", OS: "linux", Arch: "amd64"}, {Version: "1.4.2", OS: "linux", Arch: "arm64"}, {Version: "1.5.0", OS: "linux", Arch: "amd64", Severity: "security"}}, Expires: now.AddDate(0, 0, 7), Problem: hostile},
		Packages: []v1.Package{{Name: "p.rpm", System: "rpm", Arch: "amd64", Version: "1.4.2", Size: 31 << 20, Added: now}},
		Plan: releases.Plan{
			Channels: map[string]releases.Rollout{
				"stable": {Version: "1.4.2", Percent: 100, Started: now.AddDate(0, 0, -9)}, "fast": {Version: "1.5.0", Percent: 25, Canaries: []wire.ServerXID{one}, MaxFailures: 2, Started: now},
				hostile: {Version: "1.5.0", Percent: 5, Halted: hostile, Started: now},
			},
			Environments: map[string]releases.Choice{"production": {Pin: "1.4.2"}},
			Servers:      map[wire.ServerXID]releases.Choice{one: {Channel: "fast"}, other: {Channel: hostile}},
		},
		Running: map[string]int{"1.4.2": 5, "1.5.0": 1, "1.3.9": 1, hostile: 1},
	}
	f.variables = []v1.Variable{{Source: "TC", ID: "9f1c", Changed: now}, {Source: "Vault", ID: "okta-key", Changed: now}, {Source: hostile, ID: hostile, Changed: now}}
	for i := range 230 {
		f.entries = append(f.entries, v1.AuditEntry{ID: fmt.Sprintf("%d-0", i), Time: now.Add(time.Duration(i-230) * time.Minute), Who: "ann", How: "password", From: "10.20.0.9", Action: fmt.Sprintf("POST executions %d.", i), Outcome: audit.OK})
	}
	f.entries[229].Who, f.entries[229].Action, f.entries[229].From, f.entries[229].How, f.entries[229].Outcome, f.entries[229].LeftOut = "", strings.Repeat(hostile, 40), hostile, hostile, hostile, 12
	f.entries[228].Outcome = v1.CodeForbidden
}
