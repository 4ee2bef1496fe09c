package client

import (
	"crypto/tls"

	"tcenvsvr/agent/host/clock"
)

// tls verifies the cloud. On its own host the operator must get in also to
// see that the clock is wrong: that cloud's CA and the token are of the same disk.
func (c Config) tls() *tls.Config {
	if c.Local && c.Roots != nil && c.ServerName != "" {
		return clock.Timeless(c.Roots, c.ServerName)
	}
	return &tls.Config{RootCAs: c.Roots, ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
}
