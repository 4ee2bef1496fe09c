package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"tcenvsvr/agent/wire"
)

// Wanted asks which release this server should run. It does not retry: the
// updater has its own times.
func (c *Client) Wanted(ctx context.Context) (wire.WantedRelease, error) {
	const doing = "asking for the wanted release"
	var w wire.WantedRelease
	res, err := c.once(ctx, doing, http.MethodGet, "/updates/wanted", nil, nil)
	if err != nil {
		return w, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&w); err != nil {
		return w, fmt.Errorf("%s: the answer is no release", doing)
	}
	return w, nil
}

// UpdatesURL is where the update repository's folders metadata and targets are.
func (c *Client) UpdatesURL() string { return c.base + "/updates" }

// HTTP returns a client that shows our token to the API, and to nobody it
// redirects to.
func (c *Client) HTTP() *http.Client {
	home, _ := url.Parse(c.base) // New has read it before
	plain := *c.http
	next := plain.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	plain.Transport = authorized{home.Host, c.token, next}
	return &plain
}

type authorized struct {
	host, token string
	next        http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" && r.URL.Host == a.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	return a.next.RoundTrip(r)
}
