package client

import (
	"context"
	"net/http"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// Jobs lists the Jobs.
func (c *Client) Jobs(ctx context.Context) ([]v1.Job, error) { return get[[]v1.Job](ctx, c, "jobs") }

// Job returns one, with its history.
func (c *Client) Job(ctx context.Context, name string) (v1.Job, error) {
	return get[v1.Job](ctx, c, path("jobs", name))
}

// CreateJob adds one.
func (c *Client) CreateJob(ctx context.Context, q v1.NewJob) (v1.Job, error) {
	var j v1.Job
	return j, c.call(ctx, http.MethodPost, "jobs", q, &j)
}

// ChangeJob changes one.
func (c *Client) ChangeJob(ctx context.Context, name string, q v1.ChangeJob) (v1.Job, error) {
	var j v1.Job
	return j, c.call(ctx, http.MethodPatch, path("jobs", name), q, &j)
}

// RemoveJob removes one with its history.
func (c *Client) RemoveJob(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, path("jobs", name), nil, nil)
}

// StartJob begins a run now and returns the id of its execution, which may begin to exist a moment
// later.
func (c *Client) StartJob(ctx context.Context, name string) (wire.OrderID, error) {
	var s v1.Started
	return s.Execution, c.call(ctx, http.MethodPost, path("jobs", name, "run"), nil, &s)
}
