package client

import (
	"crypto/tls"

	"tcenvsvr/agent/host/clock"
)

// tls verifies the cloud. On the cloud's own host an operator must get in even while the clock is
// wrong, to see that: the CA and the token are on the same disk.
func (c Config) tls() *tls.Config {
	if c.Local && c.Roots != nil && c.ServerName != "" {
		return clock.Timeless(c.Roots, c.ServerName)
	}
	return &tls.Config{RootCAs: c.Roots, ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
}
