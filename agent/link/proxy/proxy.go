package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Timeout bounds opening one connection where Config.Timeout is zero.
const Timeout = 30 * time.Second

// Config says which proxy to use and how. The zero value is a direct connection.
type Config struct {
	// Host is the setting proxyHost: a name or an IP address (then an http:// proxy), or a URL with
	// scheme http, https or socks5 and perhaps a port and credentials. Empty: no proxy.
	Host string
	// Port is the setting proxyPort. 0: the port in Host, or the scheme's usual one (3128, 443,
	// 1080).
	Port int
	// Username and Password are for the proxy only; both may be empty.
	Username, Password string
	// TLS returns the configuration for https:// proxies. It is called for each connection, because
	// trusted roots change at run time. Nil: system roots.
	TLS func() (*tls.Config, error)
	// Timeout bounds dialing and negotiation; 0 means the constant Timeout.
	Timeout time.Duration
}

// String is the proxy's URL without credentials, or "direct".
func (c Config) String() string {
	u, err := c.parse()
	switch {
	case err != nil:
		return "invalid"
	case u.scheme == "":
		return "direct"
	}
	return u.String()
}

// GoString keeps the password out of %#v.
func (c Config) GoString() string { return "proxy.Config{" + c.String() + "}" }

// LogValue keeps the password out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Dialer opens connections. It may be used concurrently.
type Dialer struct {
	conf  Config
	proxy endpoint // scheme "" = direct
	net   net.Dialer
	// lookup returns the addresses of a name.
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	schemes []scheme
	mu      sync.Mutex
	worked  *scheme // answered without a challenge, because it was accepted before
}

// New checks c and returns its Dialer. The error names the setting that is wrong.
func New(c Config) (*Dialer, error) {
	p, err := c.parse()
	if err != nil {
		return nil, fmt.Errorf("reading proxy settings: %w", err)
	}
	if p.username != "" && c.Username == "" {
		c.Username, c.Password = p.username, p.password
	}
	if c.Timeout == 0 {
		c.Timeout = Timeout
	}
	return &Dialer{
		conf:   c,
		proxy:  p,
		net:    net.Dialer{Timeout: c.Timeout, Control: control},
		lookup: net.DefaultResolver.LookupNetIP,

		schemes: schemes,
	}, nil
}

// String is the proxy's URL without credentials, or "" when connections are direct.
func (d *Dialer) String() string {
	if d.proxy.scheme == "" {
		return ""
	}
	return d.proxy.String()
}

// DialContext connects to addr ("host:port"), through the proxy if there is one. Only TCP networks
// are possible through a proxy.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.proxy.scheme == "" {
		return d.direct(ctx, network, addr)
	}
	if !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("dialing %q through a proxy: network %q is not TCP", addr, network)
	}
	if err := validTarget(addr); err != nil {
		return nil, fmt.Errorf("dialing through a proxy: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.conf.Timeout)
	defer cancel()
	if d.proxy.scheme == "socks5" {
		return d.socks(ctx, addr)
	}
	return d.tunnel(ctx, addr)
}

// validTarget refuses an address that would change the meaning of the request line.
func validTarget(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" || strings.ContainsFunc(addr, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' }) {
		return fmt.Errorf("%q is not host:port", addr)
	}
	return nil
}

// endpoint is where the proxy is.
type endpoint struct {
	scheme, host, port string
	username, password string
}

func (e endpoint) addr() string   { return net.JoinHostPort(e.host, e.port) }
func (e endpoint) String() string { return e.scheme + "://" + e.addr() }

var usualPort = map[string]string{"http": "3128", "https": "443", "socks5": "1080"}

// parse reads Host and Port. Its errors quote the host at most: a URL may hold a password.
func (c Config) parse() (endpoint, error) {
	raw := strings.TrimSpace(c.Host)
	if raw == "" {
		return endpoint{}, nil
	}
	if c.Port < 0 || c.Port > 65535 {
		return endpoint{}, fmt.Errorf("proxyPort %d is outside 1–65535", c.Port)
	}
	if !strings.Contains(raw, "://") {
		if net.ParseIP(raw) != nil && strings.Contains(raw, ":") {
			raw = "[" + raw + "]" // a bare IPv6 address
		}
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return endpoint{}, fmt.Errorf("proxyHost is not a host name, an IP address or a URL")
	}
	e := endpoint{scheme: strings.ToLower(u.Scheme), host: u.Hostname(), port: u.Port()}
	if e.scheme == "socks5h" { // curl's name for what we always do
		e.scheme = "socks5"
	}
	if u.User != nil {
		e.username = u.User.Username()
		e.password, _ = u.User.Password()
	}
	switch {
	case usualPort[e.scheme] == "":
		return endpoint{}, fmt.Errorf("proxyHost has scheme %q, want http, https or socks5", e.scheme)
	case e.host == "" || strings.ContainsAny(e.host, " \t\r\n@/"):
		return endpoint{}, fmt.Errorf("proxyHost names no host")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return endpoint{}, fmt.Errorf("proxyHost %q has more than a host and a port", e.host)
	case c.Port != 0:
		e.port = strconv.Itoa(c.Port)
	case e.port == "":
		e.port = usualPort[e.scheme]
	}
	return e, nil
}
