package server

import (
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

func drain(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "drain SERVER", Short: "have a server take no new orders", Args: cli.Exactly(1, "a server"),
		Long: `Drain has a server take no new orders, for a while or until "server resume". What runs
there goes on, services too, and orders that only this server may take wait. The
cloud keeps it: it holds after restarts of the server and of the cloud, and one that
is away learns of it when it comes. Drained again, the new owner, reason and end hold.

With --wait the command ends when no App runs there any more, but services, which
"tccloud service edit" moves: then the host can be worked on.

  tccloud server drain scanner-1 --for 2h --reason "new disk" --data DIR
  tccloud server drain scanner-1 --until "2026-12-01 06:00" --owner Ada --data DIR
  tccloud server drain scanner-1 --wait --timeout 30m --data DIR`,
	}
	var q v1.DrainServer
	var until operator.Until
	f := cmd.Flags()
	f.StringVar(&q.Owner, "owner", "", "whom to ask about it (default: who runs this)")
	f.StringVar(&q.Reason, "reason", "", "why, for people")
	f.Var(&until, "for", "how long, as 90m, 12h or 7d (default: until it is resumed; at most 90d)")
	f.Var(&until, "until", "until when: a time, as \"2026-12-01 06:00\"")
	wait := addWait(cmd, "until no App runs there any more")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.Changed("for") && f.Changed("until") {
			return cli.Misuse(cmd, "--for and --until are the same: give one of them")
		}
		if !until.IsZero() {
			left := time.Until(until.Time)
			if left <= 0 {
				return cli.Misuse(cmd, "the drain would be over already, at %s", operator.Time(until.Time))
			}
			q.Seconds = int64((left + time.Second - 1) / time.Second)
		}
		if err := wait.check(cmd); err != nil {
			return err
		}
		c, s, err := find(cmd.Context(), o, args[0])
		if err == nil {
			s, err = c.DrainServer(cmd.Context(), s.XID, q)
		}
		if err == nil && wait.on {
			s, err = wait.until(cmd.Context(), o.Stderr, c, s, drained)
		}
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}

func resume(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "resume SERVER", Short: "have a drained server take orders again", Args: cli.Exactly(1, "a server"),
		Long: `Resume ends a drain, whoever made it. A server that is away learns of it when it
comes. It does nothing to a server that is not drained.

  tccloud server resume scanner-1 --data DIR`,
	}
	wait := addWait(cmd, "until it says that it takes orders")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := wait.check(cmd); err != nil {
			return err
		}
		c, s, err := find(cmd.Context(), o, args[0])
		if err == nil {
			s, err = c.ResumeServer(cmd.Context(), s.XID)
		}
		if err == nil && wait.on {
			s, err = wait.until(cmd.Context(), o.Stderr, c, s, resumed)
		}
		if err != nil {
			return err
		}
		return showAnswer(o, *asJSON, s)
	}
	return cmd
}

// drainWords says who drained a server, until when and why.
func drainWords(d *registry.Drain) string {
	words := "by " + d.Who() + " since " + operator.Time(d.Since)
	if !d.Until.IsZero() {
		words += ", until " + operator.Time(d.Until)
	}
	if d.Reason != "" {
		words += ": " + d.Reason
	}
	return words
}
