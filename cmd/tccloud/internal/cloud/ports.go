package cloud

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"

	"tcenvsvr/agent/link/wire"
)

// ports are the two listeners, and how agents reach them.
type ports struct {
	broker, api   net.Listener
	publicURL     string
	publicBrokers []string // host:port
}

func (p *ports) close() {
	for _, l := range []net.Listener{p.broker, p.api} {
		if l != nil {
			_ = l.Close() // its server has closed it already
		}
	}
}

func listen(cfg Config) (*ports, error) {
	p := new(ports)
	var err error
	if p.broker, err = bind("broker", "--broker-addr", cfg.BrokerAddr); err == nil {
		p.api, err = bind("API", "--api-addr", cfg.APIAddr)
	}
	if err == nil {
		err = p.public(cfg)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func bind(what, flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("opening the port of the %s: %q is in use by another program: %w", what, addr, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("opening the port of the %s: %q needs more rights, or another port (%s): %w", what, addr, flag, err)
	}
	return nil, fmt.Errorf("opening the port of the %s: %w", what, err)
}

// public finds out the addresses that bundles have.
func (p *ports) public(cfg Config) error {
	host := "127.0.0.1"
	if len(cfg.Names) > 0 {
		host = cfg.Names[0]
	} else if cfg.PublicURL == "" && !loopback(p.broker) {
		name, err := os.Hostname()
		cfg.Logger.Warn("no --name given: bundles will say 127.0.0.1, which other hosts cannot use", "hostname", name, "err", err)
	}
	_, apiPort, _ := net.SplitHostPort(p.api.Addr().String())
	p.publicURL = "https://" + net.JoinHostPort(host, apiPort)
	if apiPort == "443" {
		p.publicURL = "https://" + bracket(host)
	}
	if cfg.PublicURL != "" {
		u, err := url.Parse(cfg.PublicURL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
			return fmt.Errorf("reading --public-url: %q is not https://host[:port]", cfg.PublicURL)
		}
		p.publicURL, host = "https://"+u.Host, u.Hostname()
	}
	_, brokerPort, _ := net.SplitHostPort(p.broker.Addr().String())
	p.publicBrokers = []string{net.JoinHostPort(host, brokerPort)}
	if len(cfg.PublicBrokers) > 0 {
		p.publicBrokers = cfg.PublicBrokers
	}
	for _, addr := range cfg.PublicBrokers {
		if err := checkBroker(addr); err != nil {
			return fmt.Errorf("reading --public-broker: %w", err)
		}
	}
	if len(cfg.PublicBrokers) > wire.MaxBrokers {
		return fmt.Errorf("reading --public-broker: agents know at most %d brokers", wire.MaxBrokers)
	}
	return nil
}

// checkBroker returns an error for what no agent would take as a broker.
func checkBroker(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	n, badPort := strconv.ParseUint(port, 10, 16)
	if err != nil || badPort != nil || n == 0 || host == "" || len(host) > 253 || strings.ContainsAny(host, ",/@ \t\r\n") {
		return fmt.Errorf("%q is not host:port", addr)
	}
	return nil
}

func loopback(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

func bracket(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return "[" + host + "]"
	}
	return host
}
