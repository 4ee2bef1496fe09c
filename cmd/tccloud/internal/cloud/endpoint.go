package cloud

import (
	"net"
	"os"
	"path/filepath"

	"tcenvsvr/cmd/tccloud/internal/client"
)

// endpoint tells programs on this host how to reach the API.
func (c *cloud) endpoint(cfg Config, p *ports) client.Endpoint {
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		data = cfg.Data
	}
	host, port, _ := net.SplitHostPort(p.api.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	e := client.Endpoint{
		API: p.api.Addr().String(), Broker: p.broker.Addr().String(), PID: os.Getpid(),
		URL: "https://" + net.JoinHostPort(host, port), ServerName: "localhost",
		CA: c.authority.CertFile(), TokenFile: filepath.Join(data, client.TokenFile),
	}
	if !filepath.IsAbs(e.CA) {
		e.CA = filepath.Join(data, "pki", filepath.Base(e.CA))
	}
	if cfg.CertFile != "" {
		// Whichever CA issued it, this host may trust the certificate itself.
		e.CA, _ = filepath.Abs(cfg.CertFile)
		switch leaf := c.server.Leaf(); {
		case len(leaf.DNSNames) > 0:
			e.ServerName = leaf.DNSNames[0]
		case len(leaf.IPAddresses) > 0:
			e.ServerName = leaf.IPAddresses[0].String()
		}
	}
	return e
}
