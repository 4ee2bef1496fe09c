package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

func newRelease(env *Env) *cobra.Command {
	return operator(env, group("release", "decide which release servers run",
		`Release manages self-update: which releases this cloud serves, and which servers
get which. Releases are made and signed with "tcrelease update-repo". It also keeps the
packages of "tcrelease package", which bundles take to new hosts.

  tccloud release add update-1.4.2.zip --data DIR
  tccloud release add threatconnect-envsvr-1.4.2-1.x86_64.rpm --data DIR
  tccloud release rollout 1.4.2 --canary XID --data DIR
  tccloud release rollout 1.4.2 --percent 10 --data DIR
  tccloud release rollout 1.4.2 --percent 100 --data DIR
  tccloud release halt --data DIR

Exit codes:
`+codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
		newReleaseAdd(env), newReleaseRemove(env), newReleaseList(env), newReleaseRollout(env), newReleaseHalt(env), newReleaseChoose(env)))
}

func newReleaseList(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "show releases, rollouts, pins and what runs", Args: exactly()}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		u, err := c.Releases(cmd.Context())
		if err != nil {
			return err
		}
		return env.answer(*json, u, func(w io.Writer) {
			printReleases(w, u.Known)
			printPackages(w, u.Packages)
			printPlan(w, u.Plan)
			for _, version := range sorted(u.Running) {
				fmt.Fprintf(w, "running\t%s on %d servers\n", version, u.Running[version])
			}
		})
	}
	return cmd
}

func newReleaseRollout(env *Env) *cobra.Command {
	var q v1.NewRollout
	var canaries []string
	var in time.Duration
	cmd := &cobra.Command{
		Use: "rollout VERSION", Short: "offer a release to more servers", Args: exactly("VERSION"),
		Long: `Rollout offers a release to its canaries and to a percentage of the channel's other
servers. Begin with canaries, widen with --percent, end with --percent 100. It halts
by itself when the release fails on more servers than --max-failures.

  tccloud release rollout 1.4.2 --canary XID --canary XID --data DIR
  tccloud release rollout 1.4.2 --percent 100 --in 2h --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	channel := cmd.Flags().String("channel", releases.DefaultChannel, "channel")
	cmd.Flags().StringArrayVar(&canaries, "canary", nil, "xid of a server that gets it first; repeatable")
	cmd.Flags().Float64Var(&q.Percent, "percent", 0, "how many of the other servers get it")
	cmd.Flags().DurationVar(&in, "in", 0, "not before so long from now")
	cmd.Flags().IntVar(&q.MaxFailures, "max-failures", 1, "halt when it fails on more servers")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q.Version = args[0]
		if in > 0 {
			q.NotBefore = time.Now().Add(in).UTC()
		}
		for _, xid := range canaries {
			q.Canaries = append(q.Canaries, wire.ServerXID(xid))
		}
		c, err := env.connect()
		if err != nil {
			return err
		}
		plan, err := c.Rollout(cmd.Context(), *channel, q)
		if err != nil {
			return err
		}
		return env.answer(*json, plan, func(w io.Writer) { printPlan(w, plan) })
	}
	return cmd
}

func newReleaseHalt(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "halt", Short: "offer the release to nobody else", Args: exactly()}
	channel := cmd.Flags().String("channel", releases.DefaultChannel, "channel")
	reason := cmd.Flags().String("reason", "by an operator", "why, for those who ask")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		plan, err := c.Halt(cmd.Context(), *channel, *reason)
		if err != nil {
			return err
		}
		return env.answer(*json, plan, func(w io.Writer) { printPlan(w, plan) })
	}
	return cmd
}

func newReleaseChoose(env *Env) *cobra.Command {
	var q v1.Choose
	var server string
	cmd := &cobra.Command{
		Use: "choose", Short: "pin a server or an Environment, or give it a channel", Args: exactly(),
		Long: `Choose sets what one server or one Environment gets, whatever the rollout says: a
pinned version, or the rollout of another channel. Without --pin and --channel it
takes back what was set.

  tccloud release choose --environment lab --channel beta --data DIR
  tccloud release choose --server XID --pin 1.4.1 --data DIR
  tccloud release choose --server XID --data DIR

Exit codes:
` + codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
	}
	cmd.Flags().StringVar(&server, "server", "", "xid of the server")
	cmd.Flags().StringVar(&q.Environment, "environment", "", "name of the Environment")
	cmd.Flags().StringVar(&q.Channel, "channel", "", "channel")
	cmd.Flags().StringVar(&q.Pin, "pin", "", "version")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		q.Server = wire.ServerXID(server)
		if err := q.Check(); err != nil {
			return misuse(cmd, "%w", err)
		}
		c, err := env.connect()
		if err != nil {
			return err
		}
		plan, err := c.Choose(cmd.Context(), q)
		if err != nil {
			return err
		}
		return env.answer(*json, plan, func(w io.Writer) { printPlan(w, plan) })
	}
	return cmd
}

func printReleases(w io.Writer, k releases.Known) {
	if k.Problem != "" {
		fmt.Fprintf(w, "agents cannot use the metadata: %s\n", printable(k.Problem))
	}
	table(w, "VERSION\tPLATFORM\tSIZE\tDELTAS\tSEVERITY\tSHA256", func(row func(...any)) {
		for _, r := range k.Releases {
			row(r.Version, r.OS+"/"+r.Arch, r.Size, len(r.Deltas), r.Severity, r.SHA256[:12])
		}
	})
	if !k.Expires.IsZero() {
		fmt.Fprintf(w, "metadata expires %s\n", clock(k.Expires))
	}
}

func printPlan(w io.Writer, p releases.Plan) {
	for _, name := range sorted(p.Channels) {
		r := p.Channels[name]
		text := fmt.Sprintf("%s to %g %%", r.Version, r.Percent)
		if len(r.Canaries) > 0 {
			text += fmt.Sprintf(" and %d canaries", len(r.Canaries))
		}
		if !r.NotBefore.IsZero() {
			text += ", not before " + clock(r.NotBefore)
		}
		if r.Halted != "" {
			text += ", HALTED: " + printable(r.Halted)
		}
		fmt.Fprintf(w, "channel %s\t%s\n", name, text)
	}
	for _, name := range sorted(p.Environments) {
		fmt.Fprintf(w, "Environment %s\t%s\n", name, choice(p.Environments[name]))
	}
	for _, xid := range sorted(p.Servers) {
		fmt.Fprintf(w, "server %s\t%s\n", xid, choice(p.Servers[xid]))
	}
}

func choice(c releases.Choice) string {
	var said []string
	if c.Pin != "" {
		said = append(said, "pinned to "+c.Pin)
	}
	if c.Channel != "" {
		said = append(said, "channel "+c.Channel)
	}
	return strings.Join(said, ", ")
}
