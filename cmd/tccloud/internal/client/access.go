package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// Users lists all.
func (c *Client) Users(ctx context.Context) ([]v1.User, error) {
	return get[[]v1.User](ctx, c, "users")
}

// User returns one.
func (c *Client) User(ctx context.Context, name string) (v1.User, error) {
	return get[v1.User](ctx, c, path("users", name))
}

// CreateUser adds one.
func (c *Client) CreateUser(ctx context.Context, q v1.NewUser) (v1.User, error) {
	var u v1.User
	return u, c.call(ctx, http.MethodPost, "users", q, &u)
}

// ChangeUser changes one.
func (c *Client) ChangeUser(ctx context.Context, name string, q v1.ChangeUser) (v1.User, error) {
	var u v1.User
	return u, c.call(ctx, http.MethodPatch, path("users", name), q, &u)
}

// RemoveUser removes one.
func (c *Client) RemoveUser(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, path("users", name), nil, nil)
}

// LinkUser makes a one-time link that signs a user in.
func (c *Client) LinkUser(ctx context.Context, name string) (v1.Link, error) {
	var l v1.Link
	return l, c.call(ctx, http.MethodPost, path("users", name, "link"), nil, &l)
}

// APITokens lists all, the newest first.
func (c *Client) APITokens(ctx context.Context) ([]v1.APIToken, error) {
	return get[[]v1.APIToken](ctx, c, "tokens")
}

// CreateAPIToken makes one; the answer has its secret.
func (c *Client) CreateAPIToken(ctx context.Context, q v1.NewAPIToken) (v1.MadeAPIToken, error) {
	var t v1.MadeAPIToken
	return t, c.call(ctx, http.MethodPost, "tokens", q, &t)
}

// RevokeAPIToken removes one.
func (c *Client) RevokeAPIToken(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, path("tokens", id), nil, nil)
}

// Audit returns at most limit entries of the audit log, the newest first; with before, those before
// the one with that id.
func (c *Client) Audit(ctx context.Context, before string, limit int) ([]v1.AuditEntry, error) {
	return get[[]v1.AuditEntry](ctx, c, "audit?limit="+strconv.Itoa(limit)+"&before="+url.QueryEscape(before))
}
