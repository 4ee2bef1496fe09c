package cli

import (
	"io"

	"github.com/spf13/cobra"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

func newEnv(env *Env) *cobra.Command {
	return operator(env, group("env", "manage Environments",
		`Env manages Environments: named sets of servers that share a queue of orders.

  tccloud env create lab --owner "Ada" --data DIR
  tccloud env list --data DIR

Exit codes:
`+codeTable(exitOK, exitFailed, exitUsage, exitNotRunning, exitNotAllowed, exitConfig),
		newEnvCreate(env), newEnvList(env), newEnvShow(env), newEnvRemove(env), newEnvActive(env, true), newEnvActive(env, false)))
}

func newEnvCreate(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "create NAME", Short: "create an Environment", Args: exactly("NAME")}
	owner := cmd.Flags().String("owner", "", "who it belongs to, for people")
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		e, err := c.CreateEnvironment(cmd.Context(), args[0], *owner)
		if err != nil {
			return err
		}
		return env.showEnvironment(*json, e)
	}
	return cmd
}

func newEnvList(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "list the Environments", Args: exactly()}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		list, err := c.Environments(cmd.Context())
		if err != nil {
			return err
		}
		return env.answer(*json, list, func(w io.Writer) {
			table(w, "NAME\tACTIVE\tSERVERS\tCONNECTED\tQUEUED\tRUNNING\tTODAY\tOWNER", func(row func(...any)) {
				for _, e := range list {
					row(e.Name, yes(e.Active), e.Servers, e.Connected, e.Queued, e.Running, e.Today, e.Owner)
				}
			})
		})
	}
	return cmd
}

func newEnvShow(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "show one Environment", Args: exactly("NAME")}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		e, err := c.Environment(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return env.showEnvironment(*json, e)
	}
	return cmd
}

func newEnvRemove(env *Env) *cobra.Command {
	cmd := &cobra.Command{Use: "rm NAME", Short: "remove an Environment", Args: exactly("NAME")}
	force := cmd.Flags().Bool("force", false, "also remove its servers and cancel its executions")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		return c.DeleteEnvironment(cmd.Context(), args[0], *force)
	}
	return cmd
}

func newEnvActive(env *Env, active bool) *cobra.Command {
	cmd := &cobra.Command{Use: "activate NAME", Short: "let its servers connect again", Args: exactly("NAME")}
	if !active {
		cmd.Use, cmd.Short = "deactivate NAME", "cut its servers off; orders stay queued"
	}
	json := asJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := env.connect()
		if err != nil {
			return err
		}
		e, err := c.SetActive(cmd.Context(), args[0], active)
		if err != nil {
			return err
		}
		return env.showEnvironment(*json, e)
	}
	return cmd
}

func (e *Env) showEnvironment(json bool, v v1.Environment) error {
	return e.answer(json, v, func(w io.Writer) {
		facts(w, "name", v.Name, "owner", v.Owner, "active", yes(v.Active), "created", clock(v.Created),
			"servers", v.Servers, "connected", v.Connected, "queued", v.Queued, "running", v.Running,
			"executions today", v.Today, "executions 7 days", v.Week, "executions 30 days", v.Month)
	})
}
