package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent"
	"tcenvsvr/agent/control"
	"tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
	"tcenvsvr/cmd/tcenvsvr/internal/controlapi"
)

func statusCommand(e *env.Env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "show the connection and the orders in flight",
		Long: `Status reports what the running agent does: its connection, with the step that
failed and why, and its orders. In JSON durations are in milliseconds; where there is no
answer, it is an object with the field "error".

  tcenvsvr status
  tcenvsvr status --json`,
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := fetchStatus(c.Context(), e)
			if err != nil && asJSON {
				return errors.Join(err, cli.PrintJSON(e.Stdout, notRunning{err.Error()}))
			}
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(e.Stdout, s)
			}
			return printStatus(e.Stdout, s)
		},
	}
	cli.JSONVar(c, &asJSON)
	return c
}

// notRunning is the answer in JSON where there is no status.
type notRunning struct {
	Error string `json:"error"`
}

func fetchStatus(ctx context.Context, e *env.Env) (controlapi.Status, error) {
	var s controlapi.Status
	p, err := e.Paths()
	if err != nil {
		return s, err
	}
	return s, control.Call(ctx, p.Control, "GET", "status", nil, &s)
}

func printStatus(out io.Writer, s controlapi.Status) error {
	w := cli.Columns(out)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, plain.Line(fmt.Sprintf(format, args...)))
	}
	if s.Locked != "" {
		row("keychain", "LOCKED: %s", s.Locked)
		row("", "hint: run \"tcenvsvr keychain unlock\"")
		return w.Flush()
	}
	row("server", "%s (%s), version %s, up %s", s.ServerName, s.ServerXID, s.Version, ms(s.UptimeMS))
	printLink(row, s)
	if t := s.Twin; t != nil {
		row("IDENTITY", "a second host runs as this server: %s (host %s); the cloud said so %s ago", t, t.Host, time.Since(t.Seen).Round(time.Second))
		row("", "hint: %s", controlapi.TwinHint)
	}
	state := ""
	if s.Draining {
		state = ", draining: takes no orders"
	}
	if s.Unclaimed > 0 {
		state += fmt.Sprintf(", %d of them for orders that the cloud has no record of", s.Unclaimed)
	}
	printServices(row, s)
	row("orders", "%d of %d slots in use, %d results waiting for the cloud%s", s.Active, s.Executors, s.Outbox, state)
	if p := s.Unfit; p != nil {
		row("host", "TAKES NO ORDERS for %s: %s (%s)", time.Since(p.Since).Round(time.Second), p.Message, p.Code)
		if hint := agent.HostHint(p.Code); hint != "" {
			row("", "hint: %s", hint)
		}
	}
	if i := s.Isolation; i != nil && i.Missing != "" {
		row("isolation", "%s only: %s", i.Level, i.Missing)
		row("", "hint: \"tcenvsvr doctor\" says what to do; appsIsolation=required takes no orders on such a host")
	}
	for _, t := range s.Templates {
		switch t.State {
		case "cold":
			row("template", "%s %s: none, it starts cold: %s", t.App, t.Version, t.Reason)
		case "ready":
			row("template", "%s %s: ready, %d MB, has started %d", t.App, t.Version, t.Kilobytes>>10, t.Served)
		default:
			row("template", "%s %s: %s", t.App, t.Version, t.State)
		}
	}
	printLimits(row, s.Limits)
	printPolicy(row, s)
	for _, d := range s.DamagedApps {
		row("app", "%s", d)
	}
	if n := s.Bytecode.Pending; n > 0 {
		row("bytecode", "%d Apps are being compiled", n)
	}
	for _, p := range s.Bytecode.Problems {
		row("bytecode", "there is none, or not all, of %s: %s", p.App, p.What)
		row("", "hint: Apps run without it, and start later")
	}
	if a := s.Archives; a.Count > 0 || a.Pending > 0 {
		row("java", "%d Apps have class-data archives (%d MiB), %d wait for one", a.Count, a.Bytes>>20, a.Pending)
	}
	for _, p := range s.Archives.Problems {
		row("java", "there is no class-data archive of %s: %s", p.App, p.What)
		row("", "hint: Apps run without it, and start later")
	}
	if s.JournalDamage != "" {
		row("journal", "was damaged and is mended: %s", s.JournalDamage)
		row("", "hint: check the disk; orders that may have been lost are shown as interrupted by the cloud")
	}
	if s.JournalLoss != "" {
		row("journal", "%s", s.JournalLoss)
		row("", "hint: find out who removed it; what Apps left is in exchange/jobs, and the log says how each ended")
	}
	if n := s.Settings.RestartNeeded; len(n) > 0 {
		row("settings", "changes of %s take effect after a restart", strings.Join(n, ", "))
	}
	if s.Settings.Problem != "" {
		row("settings", "the newest are NOT used: %s", strings.ReplaceAll(s.Settings.Problem, "\n", "\n\t"))
	}
	if m := s.MetricsFile; m != nil && m.Problem != "" {
		row("metrics", "%s is NOT written: %s", m.Path, m.Problem)
		row("", "hint: %s", m.Hint)
	} else if m != nil {
		row("metrics", "%s, written %s ago", m.Path, time.Since(m.Written).Round(time.Second))
	}
	for _, o := range s.Orders {
		if o.Service != nil {
			continue
		}
		row("", "%s  %s %s  %s for %s", o.Ref, o.App, o.Version, o.State, ms(o.ForMS))
	}
	return w.Flush()
}

// printServices shows the services that run here: how they stand, what they last said, and whether they
// ended before.
func printServices(row func(name, format string, args ...any), s controlapi.Status) {
	var running []agent.OrderStatus
	for _, o := range s.Orders {
		if o.Service != nil {
			running = append(running, o)
		}
	}
	if s.NoServices != "" {
		row("services", "none can run here: %s", s.NoServices)
	}
	if len(running) == 0 {
		return
	}
	row("services", "%d of %d", len(running), s.Services)
	for _, o := range running {
		v := o.Service
		state := string(o.State)
		if v.State != "" {
			state = fmt.Sprintf("%s for %s", v.State, ms(v.SinceMS))
		}
		if v.HeartbeatMS > 0 {
			state += fmt.Sprintf(", heartbeat %s ago %s", ms(v.HeartbeatMS), plain.Head(plain.Line(string(v.Metric)), 80))
		}
		row("", "%s  %s %s (%s)  %s", v.Name, o.App, o.Version, o.Ref, state)
		if n := v.Events + v.Waiting; n > 0 {
			events := fmt.Sprintf("%d events, %d wait for the cloud", n, v.Waiting)
			if v.EventMS > 0 {
				events += fmt.Sprintf(", the last %s ago", ms(v.EventMS))
			}
			row("", "  %s", events)
		}
		if v.Ended > 0 {
			row("", "  ended %d times by itself, the last %s ago: %s", v.Ended, ms(v.EndMS), v.LastEnd)
		}
		if v.Dropped+v.Ignored+v.Lost > 0 {
			row("", "  %d messages that it did not read, %d that have no meaning, %d events lost without a record", v.Dropped, v.Ignored, v.Lost)
		}
	}
}

// printLimits shows what bounds a single App, and where nothing bounds what should be bounded.
func printLimits(row func(name, format string, args ...any), l *job.LimitsReport) {
	switch {
	case l == nil:
	case l.Missing == "":
		row("limits", "%s of each App", strings.Join(l.Holds, ", "))
	case l.MemoryMegabytes > 0 && !slices.Contains(l.Holds, job.LimitMemory):
		row("LIMITS", "appsMemoryMegabytes=%d does NOT hold: %s", l.MemoryMegabytes, l.Missing)
		row("", "hint: \"tcenvsvr doctor\" says what to do")
	case len(l.Holds) == 0:
		row("limits", "none of single Apps: %s", l.Missing)
	default:
		row("limits", "%s of each App, not more: %s", strings.Join(l.Holds, ", "), l.Missing)
	}
}

// printPolicy shows what the host's owner allows, and the key that belongs to it.
func printPolicy(row func(name, format string, args ...any), s controlapi.Status) {
	switch p := s.Policy; p.State {
	case "none":
		row("policy", "there is none (%s): the cloud alone decides which Apps run here", p.Path)
	case "valid":
		row("policy", "%s, %d rules, signed orders %s (sha256 %.12s…)", p.Path, p.Rules, cmp.Or(p.Signed, "not asked for"), p.SHA256)
		if p.SignedProblem != "" {
			row("", "signed orders are REFUSED: %s", p.SignedProblem)
		}
	case "invalid":
		row("policy", "EVERY ORDER IS DENIED: %s", p.Problem)
		row("", "hint: mend it, then see \"tcenvsvr policy show\"; it counts at once")
	}
	if s.SealKey != "" {
		row("sealing key", "%s", s.SealKey)
	} else if s.SealKeyProblem != "" {
		row("sealing key", "none: %s", s.SealKeyProblem)
	}
}

func ms(n int64) time.Duration { return (time.Duration(n) * time.Millisecond).Round(time.Second) }

// printLink shows the connection. Without one it shows which step failed and why, what to try, and
// when the agent tries again.
func printLink(row func(name, format string, args ...any), s controlapi.Status) {
	defer printBrokers(row, s)
	l := s.Link
	via := l.Transport + ", direct"
	if l.Proxy != "" {
		via = l.Transport + ", through " + l.Proxy
	}
	if l.Connected {
		row("broker", "connected to %s (%s) for %s", l.Broker, via, l.For.Round(time.Second))
		row("environment", "%s", s.Environment)
		row("session", "epoch %d, round trip %s, clock skew %s, %d reconnects", l.Epoch, l.RTT.Round(10*time.Microsecond), l.Skew, l.Reconnects)
		if l.Skew.Abs() > clock.Tolerated {
			row("clock", "WRONG here or in the cloud: the cloud's is %s %s", l.Skew.Abs().Round(time.Second), map[bool]string{true: "ahead", false: "behind"}[l.Skew > 0])
			row("", "hint: see that both hosts keep time (timedatectl, chronyc tracking)")
		}
		return
	}
	row("broker", "NOT connected to %s (%s)", l.Broker, via)
	if f := l.Failure; f != nil {
		row("", "%s failed: %s (%s)", f.Step, f.Message, f.Code)
		row("", "hint: %s", f.Hint)
	}
	if !l.NextRetry.IsZero() {
		row("", "attempt %d, next in %s", l.Attempts+1, l.RetryIn.Round(time.Second))
	}
}

// printBrokers shows where else the cloud says that it can be reached.
func printBrokers(row func(name, format string, args ...any), s controlapi.Status) {
	switch b := s.Brokers; {
	case b == nil, b.Used && len(b.Named) == 1: // that of the setting
	case b.Used:
		row("brokers", "%s, as the cloud named them", strings.Join(b.Named, ", "))
	default:
		row("brokers", "those of brokerHost, which was set on this host; not used: %s, which the cloud named", strings.Join(b.Named, ", "))
	}
}
