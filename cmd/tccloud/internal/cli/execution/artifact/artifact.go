package artifact

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/platform/artifact"
)

// Command returns "tccloud execution artifact".
func Command(o *operator.Env) *cobra.Command {
	c := o.Group("artifact", "what the App handed to the platform",
		`Artifact is about what an App handed to its platform during an execution: batches of
indicators and groups, which this cloud judges, counts and keeps, and notifications. It
has none where "tccloud serve --platform" passes everything on.

  tccloud execution artifact list ID --data DIR
  tccloud execution artifact download ID -o /tmp/batches --data DIR
  tccloud execution artifact post ID --platform https://company.threatconnect.com --data DIR`,
		list(o), download(o), post(o))
	c.Aliases = []string{"artifacts"}
	return c
}

// batches returns the completed batches of an execution, all or those named.
func batches(ctx context.Context, c *client.Client, id wire.OrderID, names []string) ([]v1.Artifact, error) {
	all, err := c.Artifacts(ctx, id)
	if err != nil {
		return nil, err
	}
	complete := func(a v1.Artifact) bool { return a.Kind == artifact.Batch && a.State == artifact.Completed }
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(a v1.Artifact) bool { return !complete(a) }), nil
	}
	var chosen []v1.Artifact
	for _, name := range names {
		n, err := strconv.Atoi(name)
		if err != nil {
			return nil, cli.Usage("%.40q is no number of an artifact", name)
		}
		i := slices.IndexFunc(all, func(a v1.Artifact) bool { return a.ID == n })
		if i < 0 || !complete(all[i]) {
			return nil, fmt.Errorf("execution %s has no completed batch %d", id, n)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
