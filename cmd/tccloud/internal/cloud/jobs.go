package cloud

import (
	"context"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	"tcenvsvr/cmd/tccloud/internal/jobs"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// openJobs opens what is kept of Jobs.
func openJobs(ctx context.Context, cfg Config, st *store.Store, c *cloud) (*jobs.Jobs, error) {
	kv, err := st.KV(ctx, jobs.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return nil, err
	}
	return jobs.New(jobs.Config{
		KV: kv, Orders: runs{c}, Gateway: c.name, Trusted: c.trusted, Command: cfg.JobCommand, Logger: cfg.Logger.With("component", "jobs"),
	}), nil
}

// runs implements jobs.Orders by the API, which makes orders of what operators ask for, and the
// dispatcher.
type runs struct{ c *cloud }

func (r runs) Submit(ctx context.Context, j *jobs.Job, id wire.OrderID, left map[string]string) error {
	return r.c.api.RunJob(ctx, j, id, left)
}

func (r runs) Get(ctx context.Context, id wire.OrderID) (dispatch.Execution, error) {
	return r.c.dispatcher.Get(ctx, id)
}
