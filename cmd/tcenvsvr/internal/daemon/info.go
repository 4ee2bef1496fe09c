package daemon

import (
	"context"
	"fmt"
	"strings"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

// Info is what the cloud is told about this host.
func (m machine) Info(ctx context.Context) wire.Info {
	h, _ := m.Facts(ctx, m.jobs) // facts that are not known stay zero
	info := wire.Info{
		Hostname: h.Hostname, Platform: h.Platform, CPUs: h.CPUs, Load1: h.Load1,
		MemoryTotal: h.MemoryTotal, MemoryFree: h.MemoryFree, DiskTotal: h.DiskTotal, DiskFree: h.DiskFree,
		RTTMS:  float64(m.daemon.rtt().Microseconds()) / 1000,
		Update: m.daemon.updates.info(),
	}
	if m.daemon.link == nil {
		return info // it is being built
	}
	s := m.daemon.status()
	info.Proxy = note(s.Link.Proxy)
	if i := s.Isolation; i != nil {
		info.Isolation = &wire.Isolation{Wanted: i.Wanted, Level: string(i.Level), Missing: note(i.Missing)}
	}
	for _, t := range s.Templates[:min(len(s.Templates), wire.MaxTemplates)] {
		info.Templates = append(info.Templates, wire.Template{App: note(t.App), Version: plain.Head(t.Version, 64), State: t.State, Served: t.Served, Reason: note(t.Reason)})
	}
	info.Notes = notes(s)
	return info
}

func note(s string) string { return plain.Head(plain.Line(s), wire.MaxNote) }

// notes are what is not as it should be here. What the policy and the settings hold is the customer's,
// and is not told.
func notes(s controlapi.Status) []wire.Note {
	var all []wire.Note
	add := func(about string, bad bool, format string, args ...any) {
		if bad && len(all) < wire.MaxNotes {
			all = append(all, wire.Note{About: about, Text: note(fmt.Sprintf(format, args...))})
		}
	}
	add("settings", s.Settings.Problem != "", "the newest ones are not used, as something is wrong with them; \"tcenvsvr status\" says what")
	add("settings", len(s.Settings.RestartNeeded) > 0, "these wait for a restart: %s", strings.Join(s.Settings.RestartNeeded, ", "))
	add("policy", s.Policy.State == "invalid", "it is invalid, so nothing is allowed; \"tcenvsvr status\" says why")
	add("sealing key", s.SealKeyProblem != "", "none: %s", s.SealKeyProblem)
	if l := s.Limits; l != nil {
		add("limits", l.Missing != "", "of an App hold only %s: %s", strings.Join(append([]string{"time"}, l.Holds...), ", "), l.Missing)
	}
	for _, d := range s.DamagedApps {
		add("App", true, "%s", d)
	}
	for _, p := range s.Bytecode.Problems {
		add("bytecode", true, "there is none, or not all, of %s: %s", p.App, p.What)
	}
	return all
}
