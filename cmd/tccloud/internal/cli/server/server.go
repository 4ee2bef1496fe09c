package server

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

// Command returns "tccloud server".
func Command(o *operator.Env) *cobra.Command {
	return o.Group("server", "manage Environment Servers",
		`Server manages the Environment Servers of this cloud. A server comes into being
with its bundle ("tccloud bundle"). SERVER is its xid or its name, or
ENVIRONMENT/NAME where several have the name.

  tccloud server list lab --data DIR
  tccloud server show scanner-1 --data DIR
  tccloud server drain scanner-1 --for 2h --reason "new disk" --wait --data DIR
  tccloud server revoke 7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a10 --data DIR`,
		list(o), show(o), drain(o), resume(o), restart(o), logLevel(o), updateNow(o), rename(o), keep(o), revoke(o), prune(o))
}

// host is what a host says about Apps on it, and what is wrong there.
func host(i *wire.Info) []any {
	var pairs []any
	add := func(name, text string) {
		if text != "" {
			pairs = append(pairs, name, text)
		}
	}
	add("proxy", i.Proxy)
	if s := i.Isolation; s != nil {
		text := s.Level
		if s.Missing != "" {
			text += " only: " + s.Missing
		}
		add("isolation", text)
	}
	for _, t := range i.Templates {
		add("template", strings.TrimSuffix(fmt.Sprintf("%s %s: %s, %s", t.App, t.Version, t.State, t.Reason), ", "))
	}
	for _, n := range i.Notes {
		add("look at", n.About+": "+n.Text)
	}
	return pairs
}

func showAnswer(o *operator.Env, asJSON bool, s v1.Server) error {
	return cli.Answer(o.Stdout, asJSON, s, func(w io.Writer) {
		pairs := []any{"xid", s.XID, "name", s.Name, "environment", s.Environment, "state", state(s),
			"created", operator.Time(s.Created), "certificate", s.CertificateSerial, "certificate until", operator.Time(s.CertificateExpires)}
		if k := s.SealKey; k != nil {
			pairs = append(pairs, "sealing key", k.ID, "its fingerprint", k.Fingerprint, "stated", operator.Time(k.Stated)+"; \"tcenvsvr keychain status\" on the server shows which it is")
		}
		if s.Drain != nil {
			pairs = append(pairs, "drained", drainWords(s.Drain))
		}
		if s.Away != nil {
			pairs = append(pairs, "away", "since "+operator.Time(*s.Away))
		}
		if s.Revoked != nil {
			pairs = append(pairs, "revoked", operator.Time(*s.Revoked))
		}
		if s.PendingBundle != nil {
			pairs = append(pairs, "newer bundle", "made "+operator.Time(*s.PendingBundle)+", not used yet")
		}
		if c := s.Session; c != nil {
			pairs = append(pairs, "connected", operator.Time(c.Connected)+" from "+c.RemoteAddr+" by "+c.Transport,
				"agent", c.Version+" "+c.OS+"/"+c.Arch, "executors", fmt.Sprintf("%d, %d free", c.Executors, c.Credit),
				"round trip", fmt.Sprintf("%.1f ms", c.RTTMS), "clock", apart(s))
			if u := unfit(s); u != nil {
				pairs = append(pairs, "why", fmt.Sprintf("%s, since %s; it goes on by itself when it can", u.Message, operator.Time(c.InfoAt.Add(-time.Duration(u.ForMS)*time.Millisecond))),
					"hint", cmp.Or(fitness.Hints[u.Code], fmt.Sprintf("\"tcenvsvr help errors\" explains %s", u.Code)))
			}
			if i := c.Info; i != nil {
				pairs = append(pairs, host(i)...)
				pairs = append(pairs, "host", i.Hostname+", "+i.Platform, "load", fmt.Sprintf("%.2f on %d CPUs", i.Load1, i.CPUs),
					"memory free", fmt.Sprintf("%d of %d MB", i.MemoryFree>>20, i.MemoryTotal>>20),
					"disk free", fmt.Sprintf("%d of %d MB", i.DiskFree>>20, i.DiskTotal>>20))
			}
		}
		cli.Facts(w, append(pairs, twins(s)...)...)
	})
}
