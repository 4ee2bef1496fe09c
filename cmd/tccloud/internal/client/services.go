package client

import (
	"context"
	"net/http"
	"strconv"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/services"
)

// Services lists the services.
func (c *Client) Services(ctx context.Context) ([]v1.Service, error) {
	return get[[]v1.Service](ctx, c, "services")
}

// Service returns one.
func (c *Client) Service(ctx context.Context, name string) (v1.Service, error) {
	return get[v1.Service](ctx, c, path("services", name))
}

// CreateService adds one; the answer has the token for its callers.
func (c *Client) CreateService(ctx context.Context, q v1.NewService) (v1.Service, error) {
	return send[v1.Service](ctx, c, http.MethodPost, "services", q)
}

// ChangeService changes one.
func (c *Client) ChangeService(ctx context.Context, name string, q v1.ChangeService) (v1.Service, error) {
	return send[v1.Service](ctx, c, http.MethodPatch, path("services", name), q)
}

// RemoveService removes one; its App is told to end.
func (c *Client) RemoveService(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, path("services", name), nil, nil)
}

// ServiceToken makes a new token for callers; the one before opens nothing any more.
func (c *Client) ServiceToken(ctx context.Context, name string) (v1.Token, error) {
	return send[v1.Token](ctx, c, http.MethodPost, path("services", name, "token"), nil)
}

// AddTrigger adds a trigger to a service; the answer has the URL of a webhook.
func (c *Client) AddTrigger(ctx context.Context, service string, q v1.NewTrigger) (v1.Trigger, error) {
	return send[v1.Trigger](ctx, c, http.MethodPost, path("services", service, "triggers"), q)
}

// RemoveTrigger removes one.
func (c *Client) RemoveTrigger(ctx context.Context, service, trigger string) error {
	return c.call(ctx, http.MethodDelete, path("services", service, "triggers", trigger), nil, nil)
}

// ServiceEvents returns the newest events of a service, newest first.
func (c *Client) ServiceEvents(ctx context.Context, name string, most int) ([]services.Event, error) {
	return get[[]services.Event](ctx, c, path("services", name, "events")+"?n="+strconv.Itoa(most))
}
