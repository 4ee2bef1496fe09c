package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// Client is safe for concurrent use. Its methods return a [v1.Error] for a request that the cloud
// refused, and [ErrUnreachable] if it did not answer.
type Client struct {
	base  string
	token string
	ask   *http.Client // for requests that may be sent twice
	act   *http.Client // for requests that may not
	send  *http.Client // large files
}

// ErrUnreachable means that the cloud did not answer.
var ErrUnreachable = errors.New("the cloud does not answer")

// New returns a client; it does not connect yet.
func New(cfg Config) *Client {
	// The cloud, or a proxy, may close an idle connection at the moment of a request. net/http
	// repeats by itself a request that changes nothing. Nobody knows whether an order was accepted,
	// so an order gets a connection of its own.
	over := func(keep bool, answer time.Duration) *http.Client {
		return &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: answer,
			DisableKeepAlives:     !keep,
			TLSClientConfig:       cfg.tls(),
		}}
	}
	return &Client{
		base: cfg.URL + v1.Prefix, token: cfg.Token,
		ask: over(true, answerTime), act: over(false, answerTime), send: over(false, storeTimeout),
	}
}

// InProcess returns a client of an API in this process. Who asks is known to by, and not by a token.
func InProcess(by http.RoundTripper) *Client {
	c := &http.Client{Transport: by}
	return &Client{base: "https://localhost" + v1.Prefix, ask: c, act: c, send: c}
}

// How long an answer may take after the request was sent.
const (
	answerTime   = 2 * time.Minute
	storeTimeout = 20 * time.Minute // a file is checked and stored first: 1 GiB at 1 MB/s
)

// do sends a request and returns the answer if it succeeded.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	by := c.act
	if method == http.MethodGet {
		by = c.ask
	}
	return c.doWith(ctx, by, method, path, body, -1, nil)
}

// doWith sends a body of so many bytes, with further headers; -1: net/http finds out how many.
func (c *Client) doWith(ctx context.Context, by *http.Client, method, path string, body io.Reader, size int64, h http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("asking the cloud: %w", err)
	}
	if size >= 0 {
		r.ContentLength = size
	}
	maps.Copy(r.Header, h)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := by.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("asking the cloud at %s: %w: %w", r.URL.Host, ErrUnreachable, plain.WithoutURL(err))
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	var f v1.Failure
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if json.Unmarshal(data, &f) != nil || f.Error == nil {
		f.Error = &v1.Error{Code: v1.CodeInternal, Message: "the answer was " + res.Status + ", not from a cloud's admin API"}
	}
	f.Error.Status = res.StatusCode
	return nil, f.Error
}

// call sends in as JSON and decodes the answer into out, where they are not nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("asking the cloud: %w", err)
		}
		body = bytes.NewReader(data)
	}
	res, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the cloud's answer: %w", err)
	}
	return nil
}

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return send[T](ctx, c, http.MethodGet, path, nil)
}

// send has the cloud do something, and returns its answer.
func send[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var v T
	err := c.call(ctx, method, path, body, &v)
	return v, err
}

// path escapes and joins parts.
func path(parts ...string) string {
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// Status describes the cloud.
func (c *Client) Status(ctx context.Context) (v1.Status, error) {
	return get[v1.Status](ctx, c, "status")
}

// Environments lists all.
func (c *Client) Environments(ctx context.Context) ([]v1.Environment, error) {
	return get[[]v1.Environment](ctx, c, "environments")
}

// Environment returns one.
func (c *Client) Environment(ctx context.Context, name string) (v1.Environment, error) {
	return get[v1.Environment](ctx, c, path("environments", name))
}

// History returns what happened in an Environment in each of the last hours, the oldest first.
func (c *Client) History(ctx context.Context, name string, hours int) ([]v1.Hour, error) {
	return get[[]v1.Hour](ctx, c, path("environments", name, "history")+"?hours="+strconv.Itoa(hours))
}

// CreateEnvironment adds one.
func (c *Client) CreateEnvironment(ctx context.Context, name, owner string) (v1.Environment, error) {
	return send[v1.Environment](ctx, c, http.MethodPost, "environments", v1.NewEnvironment{Name: name, Owner: owner})
}

// SetActive activates or deactivates one.
func (c *Client) SetActive(ctx context.Context, name string, active bool) (v1.Environment, error) {
	return send[v1.Environment](ctx, c, http.MethodPatch, path("environments", name), v1.ChangeEnvironment{Active: &active})
}

// DeleteEnvironment removes one; with force also its servers and orders.
func (c *Client) DeleteEnvironment(ctx context.Context, name string, force bool) error {
	return c.call(ctx, http.MethodDelete, path("environments", name)+"?force="+strconv.FormatBool(force), nil, nil)
}

// Bundle makes a bundle and writes it to w.
func (c *Client) Bundle(ctx context.Context, environment string, q v1.NewBundle, w io.Writer) (v1.Made, error) {
	f, err := c.OpenBundle(ctx, environment, q)
	if err != nil {
		return v1.Made{}, err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return v1.Made{}, fmt.Errorf("receiving the bundle: %w", err)
	}
	return v1.Made{Server: wire.ServerXID(f.Header.Get(v1.HeaderServer)), Package: f.Header.Get(v1.HeaderPackage)}, nil
}

// Download is a file that the cloud sends. Its header says what it is; who has read it closes it.
type Download struct {
	io.ReadCloser
	Header http.Header
}

// OpenBundle makes a bundle.
func (c *Client) OpenBundle(ctx context.Context, environment string, q v1.NewBundle) (Download, error) {
	data, err := json.Marshal(q)
	if err != nil {
		return Download{}, err
	}
	res, err := c.do(ctx, http.MethodPost, path("environments", environment, "bundle"), bytes.NewReader(data)) //nolint:bodyclose // who has read the Download closes it
	if err != nil {
		return Download{}, err
	}
	return Download{res.Body, res.Header}, nil
}

// Link makes a link to one bundle.
func (c *Client) Link(ctx context.Context, environment string, q v1.NewBundle) (v1.Link, error) {
	return send[v1.Link](ctx, c, http.MethodPost, path("environments", environment, "link"), q)
}

// Servers lists those of an Environment, or all for "".
func (c *Client) Servers(ctx context.Context, environment string) ([]v1.Server, error) {
	return get[[]v1.Server](ctx, c, "servers?environment="+url.QueryEscape(environment))
}

// Server returns one.
func (c *Client) Server(ctx context.Context, xid wire.ServerXID) (v1.Server, error) {
	return get[v1.Server](ctx, c, path("servers", string(xid)))
}

// Statements are those of the sealing keys of an Environment's servers.
func (c *Client) Statements(ctx context.Context, environment string) ([]v1.Statement, error) {
	return get[[]v1.Statement](ctx, c, path("environments", environment, "sealing"))
}

// RenameServer gives one another name.
func (c *Client) RenameServer(ctx context.Context, xid wire.ServerXID, name string) (v1.Server, error) {
	return send[v1.Server](ctx, c, http.MethodPatch, path("servers", string(xid)), v1.ChangeServer{Name: name})
}

// RevokeServer revokes one.
func (c *Client) RevokeServer(ctx context.Context, xid wire.ServerXID) (v1.Server, error) {
	return send[v1.Server](ctx, c, http.MethodPost, path("servers", string(xid), "revoke"), nil)
}

// RevokeAway revokes those of the servers that have been away for so long.
func (c *Client) RevokeAway(ctx context.Context, servers []wire.ServerXID, away time.Duration) (v1.RevokedAway, error) {
	return send[v1.RevokedAway](ctx, c, http.MethodPost, "servers/revoke", v1.RevokeAway{Servers: servers, Seconds: int64(away / time.Second)})
}

// DrainServer has one take no new orders.
func (c *Client) DrainServer(ctx context.Context, xid wire.ServerXID, q v1.DrainServer) (v1.Server, error) {
	var s v1.Server
	return s, c.call(ctx, http.MethodPost, path("servers", string(xid), "drain"), q, &s)
}

// ResumeServer is the opposite of DrainServer.
func (c *Client) ResumeServer(ctx context.Context, xid wire.ServerXID) (v1.Server, error) {
	var s v1.Server
	return s, c.call(ctx, http.MethodPost, path("servers", string(xid), "resume"), nil, &s)
}

// ControlServer asks one that is connected for one thing.
func (c *Client) ControlServer(ctx context.Context, xid wire.ServerXID, q v1.ControlServer) error {
	return c.call(ctx, http.MethodPost, path("servers", string(xid), "control"), q, nil)
}

// KeepHost chooses which of several hosts is the server.
func (c *Client) KeepHost(ctx context.Context, xid wire.ServerXID, host string) (v1.Server, error) {
	return send[v1.Server](ctx, c, http.MethodPost, path("servers", string(xid), "keep"), v1.KeepHost{Host: host})
}

// Apps lists the catalog.
func (c *Client) Apps(ctx context.Context) ([]v1.App, error) {
	return get[[]v1.App](ctx, c, "apps")
}

// App returns a version of an App, the newest for version "", or the newest in a range.
func (c *Client) App(ctx context.Context, name, version string) (v1.App, error) {
	return get[v1.App](ctx, c, path("apps", name)+"?version="+url.QueryEscape(version))
}

// Metrics lists what an App has counted in an Environment.
func (c *Client) Metrics(ctx context.Context, app, environment string) ([]v1.Metric, error) {
	return get[[]v1.Metric](ctx, c, path("environments", environment, "metrics", app))
}

// AddApp uploads a package, with the text of its signature if there is one.
func (c *Client) AddApp(ctx context.Context, tcx io.Reader, signed []byte, replace bool) (v1.AddedApp, error) {
	h := http.Header{}
	if signed != nil {
		h.Set(v1.HeaderAppSignature, base64.StdEncoding.EncodeToString(signed))
	}
	return upload[v1.AddedApp](ctx, c, http.MethodPost, "apps?replace="+strconv.FormatBool(replace), tcx, h)
}

// SignApp uploads the signature of an App that is there.
func (c *Client) SignApp(ctx context.Context, name, version string, signed []byte) (v1.App, error) {
	return upload[v1.App](ctx, c, http.MethodPut, path("apps", name, version, "signature"), bytes.NewReader(signed), nil)
}

// upload sends a file with its length, so that one that is too large is refused at once.
func upload[T any](ctx context.Context, c *Client, method, path string, body io.Reader, h http.Header) (T, error) {
	var v T
	size := int64(-1)
	if f, ok := body.(*os.File); ok {
		info, err := f.Stat()
		switch {
		case err != nil:
			return v, fmt.Errorf("reading %q: %w", f.Name(), err)
		case !info.Mode().IsRegular(): // a pipe: until its end
		case info.Size() == 0:
			body = http.NoBody // else an unknown length
		default:
			size = info.Size()
		}
	}
	res, err := c.doWith(ctx, c.send, method, path, body, size, h)
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("reading the cloud's answer: %w", err)
	}
	return v, nil
}

// RemoveApp removes a version from the catalog.
func (c *Client) RemoveApp(ctx context.Context, name, version string, force bool) error {
	return c.call(ctx, http.MethodDelete, path("apps", name, version)+"?force="+strconv.FormatBool(force), nil, nil)
}

// Variables lists the runtime variables.
func (c *Client) Variables(ctx context.Context) ([]v1.Variable, error) {
	return get[[]v1.Variable](ctx, c, "variables")
}

// SetVariable stores one.
func (c *Client) SetVariable(ctx context.Context, source, id, data string) error {
	return c.call(ctx, http.MethodPut, path("variables", source, id), v1.Content{Data: data}, nil)
}

// DeleteVariable removes one.
func (c *Client) DeleteVariable(ctx context.Context, source, id string) error {
	return c.call(ctx, http.MethodDelete, path("variables", source, id), nil, nil)
}
