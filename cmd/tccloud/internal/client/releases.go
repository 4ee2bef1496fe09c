package client

import (
	"context"
	"io"
	"net/http"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

// Releases lists the releases that are served and the plan for them.
func (c *Client) Releases(ctx context.Context) (v1.Updates, error) {
	return get[v1.Updates](ctx, c, "releases")
}

// ImportReleases sends a bundle of tcrelease update-repo.
func (c *Client) ImportReleases(ctx context.Context, bundle io.Reader) (releases.Known, error) {
	return upload[releases.Known](ctx, c, http.MethodPost, "releases", bundle, nil)
}

// AddPackage sends an installation package; name is that of its file.
func (c *Client) AddPackage(ctx context.Context, name string, content io.Reader) (v1.Package, error) {
	return upload[v1.Package](ctx, c, http.MethodPut, path("releases", "packages", name), content, nil)
}

// RemovePackage removes one.
func (c *Client) RemovePackage(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, path("releases", "packages", name), nil, nil)
}

// Rollout replaces the rollout of a channel.
func (c *Client) Rollout(ctx context.Context, channel string, q v1.NewRollout) (releases.Plan, error) {
	return send[releases.Plan](ctx, c, http.MethodPut, path("releases", "rollouts", channel), q)
}

// Halt ends the rollout of a channel.
func (c *Client) Halt(ctx context.Context, channel, reason string) (releases.Plan, error) {
	return send[releases.Plan](ctx, c, http.MethodPost, path("releases", "rollouts", channel, "halt"), v1.Halt{Reason: reason})
}

// Choose sets channel and pin of a server or an Environment.
func (c *Client) Choose(ctx context.Context, q v1.Choose) (releases.Plan, error) {
	return send[releases.Plan](ctx, c, http.MethodPost, path("releases", "choices"), q)
}
