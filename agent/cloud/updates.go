package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"tcenvsvr/agent/link/wire"
)

// Wanted asks which release this server should run. It does not retry: the updater has its own
// schedule.
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

// HTTP returns the client that sends the token to the API only.
func (c *Client) HTTP() *http.Client { return c.http }
