package server

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func prune(o *operator.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "prune [ENV]", Short: "revoke servers that are away for long", Args: cli.AtMost(1, "at most one Environment"),
		Long: `Prune lists the servers of all Environments or of one that are away for as long as --away
says, a day or more, and with --yes revokes them ("tccloud server revoke"). One that has
come back meanwhile is kept, as is one for which a newer bundle was made. That a server
is away is noted an hour after it went; time in which the cloud was off counts.

  tccloud server prune --away 30d --data DIR
  tccloud server prune lab --away 30d --yes --data DIR`,
	}
	away := days(30 * day)
	cmd.Flags().Var(&away, "away", "for so long: 30d, or hours as 48h")
	yes := cmd.Flags().Bool("yes", false, "revoke them")
	asJSON := cli.JSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := o.Connect(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Servers(cmd.Context(), append(args, "")[0])
		if err != nil {
			return err
		}
		list = longAway(list, time.Duration(away), time.Now())
		if !*yes || len(list) == 0 {
			return listAway(o, *asJSON, list)
		}
		var all v1.RevokedAway
		for part := range slices.Chunk(list, v1.MaxRevoked) {
			xids := make([]wire.ServerXID, len(part))
			for i, s := range part {
				xids[i] = s.XID
			}
			r, err := c.RevokeAway(cmd.Context(), xids, time.Duration(away))
			if err != nil {
				return err
			}
			all.Revoked, all.Kept = append(all.Revoked, r.Revoked...), append(all.Kept, r.Kept...)
		}
		return cli.Answer(o.Stdout, *asJSON, all, func(w io.Writer) {
			for _, s := range all.Revoked {
				fmt.Fprintf(w, "%s %s of %s: revoked\n", s.XID, s.Name, s.Environment)
			}
			for _, k := range all.Kept {
				fmt.Fprintf(w, "%s: kept, %s\n", k.XID, k.Why)
			}
		})
	}
	return cmd
}

// longAway are the servers that have been away for so long.
func longAway(list []v1.Server, away time.Duration, now time.Time) []v1.Server {
	return slices.DeleteFunc(list, func(s v1.Server) bool {
		return s.Away == nil || s.Revoked != nil || s.PendingBundle != nil || now.Sub(*s.Away) < away
	})
}

func listAway(o *operator.Env, asJSON bool, list []v1.Server) error {
	return cli.Answer(o.Stdout, asJSON, list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(o.Stderr, "no server is away for so long")
			return
		}
		cli.Table(w, "XID\tNAME\tENVIRONMENT\tAWAY SINCE", func(row func(...any)) {
			for _, s := range list {
				row(s.XID, s.Name, s.Environment, operator.Time(*s.Away))
			}
		})
		fmt.Fprintln(o.Stderr, "--yes revokes them")
	})
}

// days is a flag for a long time, a day at least.
type days time.Duration

const day = 24 * time.Hour

// Set implements pflag.Value.
func (d *days) Set(s string) error {
	t, err := time.ParseDuration(s)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		var whole int
		whole, err = strconv.Atoi(n)
		t = time.Duration(min(max(whole, 0), 36500)) * day
	}
	if err != nil || t < day {
		return errors.New("is no time of a day or more, as 30d or 48h")
	}
	*d = days(t)
	return nil
}

// String implements pflag.Value.
func (d *days) String() string { return fmt.Sprintf("%gd", time.Duration(*d).Hours()/24) }

// Type implements pflag.Value.
func (d *days) Type() string { return "time" }
