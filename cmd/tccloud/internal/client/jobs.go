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
	return send[v1.Job](ctx, c, http.MethodPost, "jobs", q)
}

// ChangeJob changes one.
func (c *Client) ChangeJob(ctx context.Context, name string, q v1.ChangeJob) (v1.Job, error) {
	return send[v1.Job](ctx, c, http.MethodPatch, path("jobs", name), q)
}

// RemoveJob removes one with its history.
func (c *Client) RemoveJob(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, path("jobs", name), nil, nil)
}

// StartJob begins a run now and returns the id of its execution, which may begin to exist a moment
// later.
func (c *Client) StartJob(ctx context.Context, name string) (wire.OrderID, error) {
	s, err := send[v1.Started](ctx, c, http.MethodPost, path("jobs", name, "run"), nil)
	return s.Execution, err
}
