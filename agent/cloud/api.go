package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
)

// Config of a Client.
type Config struct {
	// URL is the setting apiURL: https://host[:port][/prefix].
	URL string
	// Token is the setting appDeliveryToken.
	Token string
	// HTTP carries trust, proxy and timeouts.
	HTTP   *http.Client
	Logger *slog.Logger
}

// Client is safe for concurrent use.
type Client struct {
	base   string
	token  string
	http   *http.Client
	logger *slog.Logger
}

// StatusError is an answer other than success.
type StatusError struct {
	Doing  string
	Status int
	Reason string // the reason in the cloud's words, shortened
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: the API answered %d %s", e.Doing, e.Status, http.StatusText(e.Status))
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if code := e.Code(); code != "" {
		s += " (" + code + ")"
	}
	return s
}

// Temporary reports whether the same request may succeed later without any change.
func (e *StatusError) Temporary() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status/100 == 5
}

// ErrFenced means that the attempt no longer belongs to this server.
var ErrFenced = errors.New("the order belongs to a newer attempt")

// New checks the configuration.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("reading apiURL %q: want https://host[:port]", c.URL)
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 0}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	client := &Client{base: strings.TrimSuffix(c.URL, "/") + "/api/internal/envsvr", token: c.Token, logger: c.Logger}
	client.http = client.private(c.HTTP, u)
	return client, nil
}

// Download opens the App package with the given digest from offset on. It does not retry: the
// catalog resumes with a new call.
func (c *Client) Download(ctx context.Context, sha wire.SHA256, offset int64) (io.ReadCloser, error) {
	doing := fmt.Sprintf("downloading App %.12s from byte %d", sha, offset)
	header := http.Header{}
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	res, err := c.once(ctx, doing, http.MethodGet, "/apps/"+string(sha), header, nil)
	if err != nil {
		return nil, err
	}
	if offset > 0 && res.StatusCode != http.StatusPartialContent {
		if _, err := io.CopyN(io.Discard, res.Body, offset); err != nil { // the range was ignored
			_ = res.Body.Close()
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
	}
	return res.Body, nil
}

// maxSignature bounds what Signature reads, in bytes.
const maxSignature = 16 << 10

// Signature fetches the text of the signature of an App package, "" if the cloud has none. It does
// not retry.
func (c *Client) Signature(ctx context.Context, sha wire.SHA256) (string, error) {
	doing := fmt.Sprintf("fetching the signature of App %.12s", sha)
	res, err := c.once(ctx, doing, http.MethodGet, "/apps/"+string(sha)+"/signature", nil, nil)
	if s, ok := errors.AsType[*StatusError](err); ok && s.Status == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxSignature+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", doing, err)
	case len(text) == 0 || len(text) > maxSignature:
		return "", fmt.Errorf("%s: the answer has %d bytes, want 1–%d", doing, len(text), maxSignature)
	}
	return string(text), nil
}

// Server asks which server the token belongs to. It does not retry.
func (c *Client) Server(ctx context.Context) (wire.ServerXID, error) {
	const doing = "asking whose appDeliveryToken is"
	res, err := c.once(ctx, doing, http.MethodGet, "/server", nil, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		ServerXID wire.ServerXID `json:"server_xid"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 4096)).Decode(&answer); err != nil {
		return "", fmt.Errorf("%s: what answers is not the API of a Dedicated Cloud", doing)
	}
	return answer.ServerXID, nil
}

// maxParams bounds what Params reads, in bytes.
const maxParams = 16 << 20

// Params fetches the parameters of an order that has ParamsByHTTPS.
func (c *Client) Params(ctx context.Context, ref wire.Ref) (map[string]string, error) {
	doing := fmt.Sprintf("fetching parameters of order %s", ref)
	var params map[string]string
	err := c.retry(ctx, doing, func() error {
		res, err := c.once(ctx, doing, http.MethodGet, orderPath(ref)+"/params", nil, nil)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		params = nil
		if err := json.NewDecoder(io.LimitReader(res.Body, maxParams)).Decode(&params); err != nil {
			return fmt.Errorf("%s: the answer is not a JSON object of strings", doing) // the error quotes nothing of the answer
		}
		return nil
	})
	return params, err
}

func orderPath(ref wire.Ref) string {
	return fmt.Sprintf("/orders/%s/%d", ref.Order, ref.Attempt)
}

// once sends one request. A status of 2xx is returned, everything else is an error. Every request
// of this API may be sent twice. once says so to net/http, which then repeats a request itself if
// the other side closed an idle connection.
func (c *Client) once(ctx context.Context, doing, method, path string, header http.Header, body *io.SectionReader) (_ *http.Response, err error) {
	w := newWatch(ctx)
	defer func() {
		if err != nil {
			w.stop()
		}
	}()
	req, err := http.NewRequestWithContext(w.ctx, method, c.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if header != nil {
		req.Header = header
	}
	if body != nil && body.Size() > 0 {
		req.ContentLength = body.Size()
		req.GetBody = func() (io.ReadCloser, error) {
			return watched{io.NopCloser(io.NewSectionReader(body, 0, body.Size())), w, false}, nil
		}
		req.Body, _ = req.GetBody()
		req.Header["Idempotency-Key"] = nil // tells net/http that it may repeat the request; not sent
	}
	res, err := c.do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, w.why(plain.WithoutURL(err)))
	}
	res.Body = watched{res.Body, w, true}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	reason, _ := io.ReadAll(io.LimitReader(res.Body, maxPage))
	_ = res.Body.Close()
	if res.StatusCode == http.StatusGone {
		return nil, fmt.Errorf("%s: %w", doing, ErrFenced)
	}
	return res, &StatusError{Doing: doing, Status: res.StatusCode, Reason: said(string(reason))}
}

// do sends a request, and sends it again on a new connection if it failed on one that was used
// before. net/http does not always do so for a request with a body: if the other side has closed
// the connection, a write may fail before a read notices it.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	var used atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { used.Store(i.Reused) },
	})
	res, err := c.http.Do(req.WithContext(ctx))
	if err == nil || !used.Load() || req.GetBody == nil || final(err) || ctx.Err() != nil {
		return res, err
	}
	c.http.CloseIdleConnections() // other idle connections may be as old
	if req.Body, err = req.GetBody(); err != nil {
		return nil, err
	}
	return c.http.Do(req)
}

// retry repeats f, with full jitter up to 30 s, until it succeeds, fails for good or ctx ends.
func (c *Client) retry(ctx context.Context, doing string, f func() error) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 30*time.Second) {
		err := f()
		if err == nil || final(err) || ctx.Err() != nil {
			return err
		}
		c.logger.Info("retrying a request to the API", "doing", doing, "err", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(wait)):
		}
	}
}

func final(err error) bool {
	if errors.Is(err, ErrFenced) || errors.Is(err, errElsewhere) {
		return true
	}
	s, ok := errors.AsType[*StatusError](err)
	return ok && !s.Temporary()
}

func uploadOffset(res *http.Response) (int64, error) {
	n, err := strconv.ParseInt(res.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the API answered with Upload-Offset %.40q", res.Header.Get("Upload-Offset"))
	}
	return n, nil
}
