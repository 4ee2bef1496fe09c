package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/cli/server"
	"tcenvsvr/cmd/tccloud/internal/client"
)

// completeTime bounds how long a shell waits for names.
const completeTime = 2 * time.Second

// names asks the cloud for what an argument may be, each with a description after a tab.
type names func(ctx context.Context, c *client.Client) ([]string, error)

// completions are the arguments that shells complete, by the words of the command.
var completions = map[string][]names{
	"bundle": {environments}, "run": {environments, apps},
	"env show": {environments}, "env history": {environments}, "env rm": {environments}, "env activate": {environments}, "env deactivate": {environments},
	"server list": {environments}, "server show": {servers}, "server rename": {servers}, "server revoke": {servers}, "server keep": {servers},
	"server drain": {servers}, "server resume": {servers}, "server restart": {servers}, "server update": {servers}, "server log-level": {servers, logLevels},
	"app show": {apps}, "app rm": {apps},
	"execution list": nil, "execution show": {executions}, "execution cancel": {executions}, "execution logs": {executions}, "execution outputs": {executions}, "execution download": {executions}, "execution requests": {executions},
	"job create": {nil, environments, apps}, "job show": {jobNames}, "job edit": {jobNames}, "job run": {jobNames}, "job history": {jobNames}, "job pause": {jobNames}, "job rm": {jobNames},
	"service create": {nil, environments, apps}, "service show": {serviceNames}, "service edit": {serviceNames}, "service start": {serviceNames},
	"service stop": {serviceNames}, "service restart": {serviceNames}, "service logs": {serviceNames}, "service events": {serviceNames},
	"service token": {serviceNames}, "service rm": {serviceNames},
	"user edit": {userNames}, "user link": {userNames}, "user rm": {userNames}, "token revoke": {tokenIDs},
	"trigger add": {serviceNames}, "trigger list": {serviceNames}, "trigger rm": {serviceNames},
}

// flags are the flags that shells complete, by the words of the command.
var flags = map[string]map[string]names{
	"execution list": {"env": environments, "state": states, "app": apps, "server": servers},
}

// complete has shells complete arguments of the commands below root. A cloud that does not answer
// completes nothing.
func complete(o *operator.Env, root *cobra.Command) {
	for words, args := range completions {
		c, _, err := root.Find(strings.Fields(words))
		if err != nil || !strings.HasSuffix(c.CommandPath(), " "+words) {
			panic("there is no command " + words) // a mistake that every start shows
		}
		c.ValidArgsFunction = func(cmd *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(given) >= len(args) || args[len(given)] == nil {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return args[len(given)].ask(cmd.Context(), o)
		}
		for name, all := range flags[words] {
			if err := c.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
				return all.ask(cmd.Context(), o)
			}); err != nil {
				panic(err)
			}
		}
	}
}

// ask returns the names; a cloud that does not answer has none.
func (n names) ask(ctx context.Context, o *operator.Env) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	cloud, err := o.ConnectNow()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, _ := n(ctx, cloud)
	return list, cobra.ShellCompDirectiveNoFileComp
}

// each lists what the cloud has.
func each[T any](list []T, err error, name func(T) (name, about string)) ([]string, error) {
	var all []string
	for _, v := range list {
		n, about := name(v)
		all = append(all, plain.Line(n)+"\t"+plain.Line(about))
	}
	return all, err
}

func environments(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Environments(ctx)
	return each(list, err, func(e v1.Environment) (string, string) { return e.Name, e.Owner })
}

func servers(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Servers(ctx, "")
	return each(list, err, func(s v1.Server) (string, string) { return string(s.XID), s.Name + " of " + s.Environment })
}

func apps(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Apps(ctx)
	return each(list, err, func(a v1.App) (string, string) { return a.Name + "@" + a.Version, string(a.Language) })
}

func executions(ctx context.Context, c *client.Client) ([]string, error) {
	list, _, err := c.Executions(ctx, client.ExecutionQuery{})
	return each(list, err, func(e v1.Execution) (string, string) { return string(e.ID), e.App.Name + " " + string(e.State) })
}

func states(context.Context, *client.Client) ([]string, error) {
	return []string{
		"active\thas not ended", "ended\twith any outcome", "queued", "delivered", "accepted", "preparing", "running",
		"succeeded", "partial", "failed", "cancelled", "timed_out", "interrupted", "rejected",
	}, nil
}

func logLevels(context.Context, *client.Client) ([]string, error) { return server.LogLevels, nil }

func jobNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Jobs(ctx)
	return each(list, err, func(j v1.Job) (string, string) { return j.Name, j.App })
}

func serviceNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Services(ctx)
	return each(list, err, func(s v1.Service) (string, string) { return s.Name, s.App + " " + string(s.Phase) })
}

func userNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Users(ctx)
	return each(list, err, func(u v1.User) (string, string) { return u.Name, string(u.Role) })
}

func tokenIDs(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.APITokens(ctx)
	return each(list, err, func(t v1.APIToken) (string, string) { return t.ID, t.Name + " " + string(t.Role) })
}
