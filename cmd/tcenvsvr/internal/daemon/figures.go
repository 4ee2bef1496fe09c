package daemon

import (
	"runtime"
	"slices"
	"time"

	"tcenvsvr/agent"
	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/textfile"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// figures are what the metrics file holds: what status shows, and what was counted since the start.
func (d *daemon) figures() []byte {
	s, t := d.status(), new(textfile.Text)
	t.Gauge("tcenvsvr_build_info", "1, with the version of the agent.")(1, "version", s.Version, "goversion", runtime.Version())
	t.Gauge("tcenvsvr_server_info", "1, with the server that this host is.")(1, "xid", string(s.ServerXID), "name", s.ServerName, "environment", s.Environment)
	t.Gauge("tcenvsvr_start_time_seconds", "When the agent was started.")(unix(time.Now().Add(-time.Duration(s.UptimeMS) * time.Millisecond)))
	writeOrders(t, s, d.agent.Tally())
	writeLink(t, s)
	writeServices(t, s)
	writeApps(t, s, d.templates.Served())
	if at, err := space.Of(d.paths.Jobs); err == nil {
		t.Gauge("tcenvsvr_disk_size_bytes", "The disk that jobs are on.")(float64(at.Total))
		t.Gauge("tcenvsvr_disk_free_bytes", "What is free on it.")(float64(at.Free))
		if at.Files > 0 {
			t.Gauge("tcenvsvr_disk_free_files", "How many files (inodes) are free on it.")(float64(at.FreeFiles))
		}
	}
	t.Gauge("tcenvsvr_certificate_expiry_timestamp_seconds", "When the client certificate ends; it is renewed long before.")(unix(s.CertificateExpires))
	if u := d.updates.info(); u != nil {
		t.Gauge("tcenvsvr_update_info", "1, with what is done about releases: mode and phase, the version wanted, the newest that failed here.")(1,
			"mode", u.Mode, "phase", u.Phase, "wanted", u.Wanted, "failed", u.Failed)
	}
	return t.Bytes()
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// outcomes are those of orders that ended.
var outcomes = []wire.Outcome{wire.Succeeded, wire.Partial, wire.Failed, wire.Cancelled, wire.TimedOut, wire.Interrupted, wire.Rejected}

func writeOrders(t *textfile.Text, s controlapi.Status, n agent.Tally) {
	ended := t.Counter("tcenvsvr_orders_ended_total", "Orders that ended here, by outcome; returned were given back and not started.")
	for _, o := range outcomes {
		ended(float64(n.Outcomes[o]), "outcome", string(o))
	}
	ended(float64(n.Returned), "outcome", "returned")
	bounds := make([]float64, len(agent.RunBounds))
	for i, b := range agent.RunBounds {
		bounds[i] = b.Seconds()
	}
	if n.Runs == nil {
		n.Runs = make([]int64, len(bounds)+1)
	}
	t.Histogram("tcenvsvr_order_run_seconds", "How long Apps ran, services excepted.", bounds, n.Runs, n.RunTime.Seconds())
	states := map[wire.State]int{}
	for _, o := range s.Orders {
		if o.Service == nil {
			states[o.State]++
		}
	}
	under := t.Gauge("tcenvsvr_orders", "Orders under way, by state, services excepted.")
	for _, state := range []wire.State{wire.StateAccepted, wire.StatePreparing, wire.StateRunning} {
		under(float64(states[state]), "state", string(state))
	}
	t.Gauge("tcenvsvr_slots", "Orders that may be under way at once (appsNumberofJobExecutors).")(float64(s.Executors))
	t.Gauge("tcenvsvr_slots_used", "Of these, in use.")(float64(s.Active))
	t.Gauge("tcenvsvr_outbox_results", "Results that the cloud has not acknowledged.")(float64(s.Outbox))
	t.Gauge("tcenvsvr_outbox_unclaimed_results", "Of these, results of orders that the cloud has no record of.")(float64(s.Unclaimed))
	t.Gauge("tcenvsvr_draining", "1 while no orders are taken because somebody asked for that.")(truth(s.Draining))
	t.Gauge("tcenvsvr_unfit", "1 while no orders are taken because this host cannot run Apps.")(truth(s.Unfit != nil))
}

func writeLink(t *textfile.Text, s controlapi.Status) {
	l := s.Link
	t.Gauge("tcenvsvr_link_connected", "1 while there is a session with the cloud.")(truth(l.Connected))
	t.Gauge("tcenvsvr_link_state_seconds", "How long that has been so.")(l.For.Seconds())
	t.Gauge("tcenvsvr_link_info", "1, with the transport: raw or websocket.")(1, "transport", l.Transport)
	t.Gauge("tcenvsvr_link_proxy", "1 if the cloud is reached through a proxy.")(truth(l.Proxy != ""))
	if l.Connected {
		t.Gauge("tcenvsvr_link_round_trip_seconds", "How long a ping took to the cloud and back.")(l.RTT.Seconds())
		t.Gauge("tcenvsvr_link_clock_skew_seconds", "The cloud's clock minus that of this host.")(l.Skew.Seconds())
	}
	t.Counter("tcenvsvr_link_reconnects_total", "Sessions after the first one.")(float64(l.Reconnects))
	t.Gauge("tcenvsvr_link_failed_attempts", "Attempts to connect that failed since the last session.")(float64(l.Attempts))
	t.Gauge("tcenvsvr_second_host", "1 while another host tries to connect as this server.")(truth(s.Twin != nil))
}

func writeServices(t *textfile.Text, s controlapi.Status) {
	states, running, waiting := map[string]int{}, 0, int64(0)
	for _, o := range s.Orders {
		if v := o.Service; v != nil {
			running++
			states[v.State]++
			waiting += v.Waiting
		}
	}
	t.Gauge("tcenvsvr_services_slots", "Services that may run here (appsNumberofServices).")(float64(s.Services))
	by := t.Gauge("tcenvsvr_services", "Services that run here, by state.")
	for _, state := range []string{"unready", "connected", "ready", "gone"} {
		by(float64(states[state]), "state", state)
		running -= states[state]
	}
	by(float64(running), "state", "starting") // its shim has not told yet
	t.Gauge("tcenvsvr_services_waiting_events", "Events of services that the cloud does not have yet.")(float64(waiting))
}

func writeApps(t *textfile.Text, s controlapi.Status, served int) {
	t.Counter("tcenvsvr_warm_starts_total", "Apps that a template started.")(float64(served))
	states, kb := map[string]int{}, int64(0)
	for _, one := range s.Templates {
		states[one.State]++
		kb += one.Kilobytes
	}
	templates := t.Gauge("tcenvsvr_templates", "Templates by state; cold is an App that has none.")
	for _, state := range []string{"starting", "ready", "cold"} {
		templates(float64(states[state]), "state", state)
	}
	t.Gauge("tcenvsvr_templates_memory_bytes", "Memory that templates take.")(float64(kb) * 1024)
	t.Gauge("tcenvsvr_apps_damaged", "Installed Apps that were found damaged since the start.")(float64(len(s.DamagedApps)))
	if i := s.Isolation; i != nil {
		t.Gauge("tcenvsvr_isolation_info", "1, with how far Apps are kept apart: off, filtered, files or full.")(1, "level", string(i.Level), "wanted", i.Wanted)
	}
	if l := s.Limits; l != nil {
		holds := t.Gauge("tcenvsvr_limit_holds", "1 if the limit holds for each App.")
		for _, limit := range []string{job.LimitMemory, job.LimitTasks, job.LimitCPU} {
			holds(truth(slices.Contains(l.Holds, limit)), "limit", limit)
		}
	}
	t.Gauge("tcenvsvr_settings_problem", "1 while the newest settings are not used, because something is wrong with them.")(truth(s.Settings.Problem != ""))
	t.Gauge("tcenvsvr_policy_invalid", "1 while every order is denied, because the policy cannot be read.")(truth(s.Policy.State == "invalid"))
}
