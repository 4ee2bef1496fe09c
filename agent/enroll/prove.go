package enroll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/plain"
	"tcenvsvr/agent/settings"
)

// Way is how the cloud is reached.
type Way struct {
	Roots  *x509.CertPool
	Dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}
	Version string
	// BootID and MachineID are the host's: who leaves is told apart from a
	// host that is connected with a copy of the identity.
	BootID, MachineID string
}

// proveFor bounds each proof.
const proveFor = time.Minute

// Prove asks broker and API of the cloud whether they would take this
// server, without opening a session. It returns the Environment's name.
func (p *Plan) Prove(ctx context.Context, w Way) (string, error) {
	environment, err := Broker(ctx, p.Settings, p.Certificate, w)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	c, err := cloud.New(cloud.Config{URL: p.Settings.APIURL, Token: p.Settings.AppDeliveryToken.Reveal(), HTTP: &http.Client{
		Transport: &http.Transport{DialContext: w.Dialer.DialContext, TLSClientConfig: w.tls(p.Certificate), DisableKeepAlives: true},
	}})
	if err != nil {
		return "", err
	}
	xid, err := c.Server(ctx)
	if err != nil {
		return "", fmt.Errorf("proving the API %q: %w", p.Settings.APIURL, err)
	}
	if string(xid) != p.Settings.ServerXID {
		return "", fmt.Errorf("proving the API %q: %w: appDeliveryToken is of server %q", p.Settings.APIURL, ErrIdentity, xid)
	}
	return environment, nil
}

// Broker asks the broker whether a session would be opened, and returns the
// Environment's name.
func Broker(ctx context.Context, s settings.Settings, cert tls.Certificate, w Way) (string, error) {
	answer, err := w.probe(ctx, s, cert, false)
	return answer.Environment, err
}

// Leave tells the broker that this server will not come back, and the
// cloud revokes it. Where another host is connected as it, it is not revoked: that
// host is returned.
func Leave(ctx context.Context, s settings.Settings, cert tls.Certificate, w Way) (inUse string, err error) {
	answer, err := w.probe(ctx, s, cert, true)
	return plain.Head(plain.Name(answer.InUse), wire.MaxText), err
}

func (w Way) probe(ctx context.Context, s settings.Settings, cert tls.Certificate, leave bool) (wire.Probed, error) {
	ctx, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	answer, err := link.Probe(ctx, link.Config{
		Address: s.BrokerAddr(), Transport: s.QueueTransport, Dialer: w.Dialer,
		TLS: func() (*tls.Config, error) { return w.tls(cert), nil },
		Hello: func() wire.Hello {
			return wire.Hello{
				Protocol: wire.Protocol, ServerXID: wire.ServerXID(s.ServerXID), ServerName: s.ServerName,
				BrokerToken: s.BrokerToken.Reveal(), Version: w.Version, BootID: w.BootID, MachineID: w.MachineID, Leave: leave,
			}
		},
	})
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return wire.Probed{}, fmt.Errorf("proving the broker %q: %w (%s)\nhint: %s", s.BrokerAddr(), f, f.Code, f.Hint)
	}
	return answer, err
}

func (w Way) tls(cert tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: w.Roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}
