package cli

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	hostclock "tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

func newServer(env *Env) *cobra.Command {
	return operator(env, group("server", "manage Environment Servers",
		`Server manages the Environment Servers of this cloud. A server comes into being
with its bundle ("tccloud bundle") and is known by its xid.

  tccloud server list lab --data DIR
  tccloud server show 7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a10 --data DIR
  tccloud server revoke 7e0c6c1e-7a43-4d5a-9c1f-0d2f6f1b5a10 --data DIR

Exit codes:
`+codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
		newServerList(env), newServerShow(env), newServerKeep(env), newServerRevoke(env)))
}

func newServerList(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "list [ENV]", Short: "list the servers", Args: atMost(1)}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		list, err := c.Servers(cmd.Context(), append(args, "")[0])
		if err != nil {
			return err
		}
		return env.answer(*json, list, func(w io.Writer) {
			table(w, "XID\tNAME\tENVIRONMENT\tSTATE\tVERSION\tCERTIFICATE UNTIL", func(row func(...any)) {
				for _, s := range list {
					if s.Twin != nil {
						fmt.Fprintf(env.Stderr, "%d hosts run as server %s: \"tccloud server show %s\" says which\n", 1+len(s.Twin.Others), s.XID, s.XID)
					}
					row(s.XID, s.Name, s.Environment, serverState(s), version(s), s.CertificateExpires.Format(time.DateOnly))
				}
			})
		})
	}
	return cmd
}

func version(s v1.Server) string {
	if s.Session == nil {
		return ""
	}
	return s.Session.Version
}

// unfit is why a connected server takes no orders.
func unfit(s v1.Server) *wire.Unfit {
	if s.Session == nil || s.Session.Info == nil {
		return nil
	}
	return s.Session.Info.Unfit
}

func serverState(s v1.Server) string {
	switch {
	case s.Twin != nil && s.Session != nil:
		return fmt.Sprintf("connected, %d HOSTS", 1+len(s.Twin.Others))
	case s.Twin != nil:
		return fmt.Sprintf("away, %d HOSTS", 1+len(s.Twin.Others))
	case unfit(s) != nil:
		return "takes no orders: " + unfit(s).Code
	case s.Session != nil && s.Session.Info != nil && s.Session.Info.Draining:
		return "draining"
	case s.Session != nil && skew(s).Abs() > hostclock.Tolerated:
		return "connected, clock " + apart(s)
	case s.Session != nil:
		return "connected"
	case s.Revoked != nil:
		return "revoked"
	}
	return "away"
}

func skew(s v1.Server) time.Duration { return time.Duration(s.Session.SkewMS) * time.Millisecond }

func apart(s v1.Server) string {
	switch by := skew(s).Round(time.Second); {
	case by < 0:
		return by.Abs().String() + " behind"
	case by > 0:
		return by.String() + " ahead"
	}
	return "as the cloud's"
}

func newServerShow(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "show XID", Short: "show one server", Args: exactly("XID")}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		s, err := c.Server(cmd.Context(), wire.ServerXID(args[0]))
		if err != nil {
			return err
		}
		return env.showServer(*json, s)
	}
	return cmd
}

func newServerKeep(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "keep XID HOST", Short: "choose the host that is the server", Args: exactly("XID", "HOST"),
		Long: `Keep chooses one of several hosts that run with the identity of one server: a
machine was cloned, or somebody has a copy of its keys. Until then the host that was
connected keeps its session, and the others are refused. HOST is an id that "server show"
lists, or its beginning; ID@ADDRESS where two have the same. The address is what the
cloud saw; name, machine and boot are what the host says, and a thief can say the same.

The chosen host renews its certificate as soon as it is connected, and the certificates that the
others have are refused from then on. A clone that is to work gets an identity of its
own: "tcenvsvr unenroll" there, then "tcenvsvr enroll" with another bundle.

Where keys were stolen, make a new bundle ("tccloud bundle ENV --server XID") instead: it
changes the tokens as well, with which a thief could still download Apps.

  tccloud server keep XID HOST --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		s, err := c.KeepHost(cmd.Context(), wire.ServerXID(args[0]), args[1])
		if err != nil {
			return err
		}
		return env.showServer(*json, s)
	}
	return cmd
}

// twins are the hosts that run as s.
func twins(s v1.Server) []any {
	c := s.Twin
	if c == nil {
		return nil
	}
	var pairs []any
	row := func(role string, h twin.Host) {
		if s.Session != nil && s.Session.Host == h.ID {
			role = "has the session"
		}
		if h.ID == c.Kept {
			role += ", chosen, renews its certificate"
		}
		// The address is what the cloud saw; the rest whoever has a copy of the host can say as well.
		pairs = append(pairs, "host "+h.ID, fmt.Sprintf("%s, at %s, last hello %s; it calls itself %q, machine %s, boot %s", role, h.Address, clock(h.Seen), h.Name, h.Machine, h.Boot))
	}
	pairs = append(pairs, "CONFLICT", fmt.Sprintf("%d hosts run as this server since %s, last seen at once %s", 1+len(c.Others), clock(c.Since), clock(c.Proved)))
	row("had the session", c.Holder)
	for _, o := range c.Others {
		row("refused", o)
	}
	if c.Kept == "" {
		pairs = append(pairs, "to decide", fmt.Sprintf("\"tccloud server keep %s HOST\" for the one that is to stay; on another \"tcenvsvr unenroll\", then enroll it with a bundle of its own", s.XID))
	}
	return pairs
}

func newServerRevoke(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke XID", Short: "cut a server off for good", Args: exactly("XID"),
		Long: `Revoke ends a server's session and refuses it from then on, until it gets a new
bundle ("tccloud bundle ENV --server XID"). What it runs is not ended by this: the
cloud gives its orders up when the lease is over.

  tccloud server revoke XID --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		s, err := c.RevokeServer(cmd.Context(), wire.ServerXID(args[0]))
		if err != nil {
			return err
		}
		return env.showServer(*json, s)
	}
	return cmd
}

func (e *Env) showServer(json bool, s v1.Server) error {
	return e.answer(json, s, func(w io.Writer) {
		pairs := []any{"xid", s.XID, "name", s.Name, "environment", s.Environment, "state", serverState(s),
			"created", clock(s.Created), "certificate", s.CertificateSerial, "certificate until", clock(s.CertificateExpires)}
		if s.Revoked != nil {
			pairs = append(pairs, "revoked", clock(*s.Revoked))
		}
		if s.PendingBundle != nil {
			pairs = append(pairs, "newer bundle", "made "+clock(*s.PendingBundle)+", not used yet")
		}
		if c := s.Session; c != nil {
			pairs = append(pairs, "connected", clock(c.Connected)+" from "+c.RemoteAddr+" by "+c.Transport,
				"agent", c.Version+" "+c.OS+"/"+c.Arch, "executors", fmt.Sprintf("%d, %d free", c.Executors, c.Credit),
				"round trip", fmt.Sprintf("%.1f ms", c.RTTMS), "clock", apart(s))
			if u := unfit(s); u != nil {
				pairs = append(pairs, "why", fmt.Sprintf("%s, since %s; it goes on by itself when it can", u.Message, clock(c.InfoAt.Add(-time.Duration(u.ForMS)*time.Millisecond))),
					"hint", cmp.Or(fitness.Hints[u.Code], fmt.Sprintf("\"tcenvsvr help errors\" explains %s", u.Code)))
			}
			if i := c.Info; i != nil {
				pairs = append(pairs, "host", i.Hostname+", "+i.Platform, "load", fmt.Sprintf("%.2f on %d CPUs", i.Load1, i.CPUs),
					"memory free", fmt.Sprintf("%d of %d MB", i.MemoryFree>>20, i.MemoryTotal>>20),
					"disk free", fmt.Sprintf("%d of %d MB", i.DiskFree>>20, i.DiskTotal>>20))
			}
		}
		facts(w, append(pairs, twins(s)...)...)
	})
}
