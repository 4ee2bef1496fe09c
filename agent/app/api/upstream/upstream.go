package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says which instance, and how it is reached. Only URL and Credentials are required.
type Config struct {
	URL         string // https://host[:port][/api]
	Credentials Credentials
	CA          []byte   // PEM: further CAs that its certificate may come from
	Proxy       *url.URL // nil: as HTTPS_PROXY and NO_PROXY say
	// Passed hears of each request that was passed on, when it has ended. run is the one that
	// [Upstream.Serve] got.
	Passed func(ctx context.Context, run string, p Passed)
	Logger *slog.Logger
}

// Passed is one request that was passed on.
type Passed struct {
	Time     time.Time `json:"time"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`   // without the query
	Status   int       `json:"status"` // of the instance; 0: it did not answer
	Sent     int64     `json:"sent"`   // bytes of the body
	Received int64     `json:"received"`
	Millis   int64     `json:"millis"`
	// Error says why the request failed before its end, "" if it did not.
	Error string `json:"error,omitempty"`
}

// Upstream is safe for concurrent use.
type Upstream struct {
	Config
	base      string // https://host/api
	transport *http.Transport
}

// Limits of the connection to the instance.
const (
	dialTimeout   = 15 * time.Second
	answerTimeout = 5 * time.Minute // from the end of the request to the beginning of the answer
)

// New returns an Upstream; it does not connect yet.
func New(cfg Config) (*Upstream, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != u.EscapedPath() {
		return nil, errors.New("the address of the platform is not https://host[:port][/api], without a user") // which may be in it
	}
	if cfg.Proxy != nil && (cfg.Proxy.Host == "" || cfg.Proxy.Scheme != "http" && cfg.Proxy.Scheme != "https") {
		return nil, errors.New("the proxy for the platform is not http://host:port or https://host:port")
	}
	path := strings.TrimSuffix(u.Path, "/")
	if path == "" {
		path = "/api"
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if cfg.CA != nil && !roots.AppendCertsFromPEM(cfg.CA) {
		return nil, errors.New("the file of CAs for the platform has no certificate")
	}
	if cfg.Passed == nil {
		cfg.Passed = func(context.Context, string, Passed) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	proxy := http.ProxyFromEnvironment
	if cfg.Proxy != nil {
		proxy = http.ProxyURL(cfg.Proxy)
	}
	return &Upstream{cfg, "https://" + u.Host + path, &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			p, err := proxy(r)
			return cfg.Credentials.proxy(p), err
		},
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   16,
		DisableCompression:    true, // what the App gets is what the instance sent
	}}, nil
}

// Host is where requests go.
func (u *Upstream) Host() string { return strings.TrimPrefix(u.base, "https://") }

// Request returns a request to the instance; path with its query is escaped and relative to
// tc_api_path. Do sends it.
func (u *Upstream) Request(ctx context.Context, method, path string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.base+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking the platform for %q: it is no path", path)
	}
	return r, nil
}

// Do signs a request and sends it; a redirect is an answer. Errors have no secrets.
func (u *Upstream) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.String(), u.base+"/") {
		return nil, errors.New("asking the platform: the request is for somebody else")
	}
	u.Credentials.sign(r, time.Now())
	return u.transport.RoundTrip(r)
}
