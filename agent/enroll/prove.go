package enroll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"tcenvsvr/agent/cloud"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/agent/settings"
)

// Route says how the cloud is reached.
type Route struct {
	Roots  *x509.CertPool
	Dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}
	Version string
	// BootID and MachineID are the host's. By them the cloud tells a server that leaves from
	// another host that is connected with a copy of its identity.
	BootID, MachineID string
}

// proveFor bounds each proof.
const proveFor = time.Minute

// ErrRefused means that the cloud answers and does not take this server: another bundle may help,
// waiting does not.
var ErrRefused = errors.New("the cloud does not take this server")

// Prove is [Verify] for the server that this host is to become.
func (p *Plan) Prove(ctx context.Context, r Route) (string, error) {
	return Verify(ctx, p.Settings, p.Certificate, r)
}

// Verify asks broker and API of the cloud whether they would take this server, without opening a
// session. It returns the Environment's name.
func Verify(ctx context.Context, s settings.Settings, cert tls.Certificate, r Route) (string, error) {
	environment, err := Broker(ctx, s, cert, r)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	c, err := cloud.New(cloud.Config{URL: s.APIURL, Token: s.AppDeliveryToken.Reveal(), HTTP: &http.Client{
		Transport: &http.Transport{DialContext: r.Dialer.DialContext, TLSClientConfig: r.tls(cert), DisableKeepAlives: true},
	}})
	if err != nil {
		return "", err
	}
	xid, err := c.Server(ctx)
	if err != nil {
		return "", api(s.APIURL, err)
	}
	if string(xid) != s.ServerXID {
		return "", fmt.Errorf("proving the API %q: %w: appDeliveryToken is of server %.70q", s.APIURL, ErrIdentity, string(xid))
	}
	return environment, nil
}

// api adds to an error of the API what to try, and whether it is final.
func api(address string, err error) error {
	err = fmt.Errorf("proving the API %q: %w", address, err)
	if s, ok := errors.AsType[*cloud.StatusError](err); ok {
		if s.Denied() {
			err = fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if hint := s.Hint(); hint != "" {
			err = fmt.Errorf("%w\nhint: %s", err, hint)
		}
	}
	return err
}

// refusals are the codes by which a broker says that it takes this server no more.
var refusals = []fault.Code{
	"tls.client_certificate", "hello." + fault.Code(wire.CodeBadToken), "hello." + fault.Code(wire.CodeUnknownServer),
	"hello." + fault.Code(wire.CodeCertificate), "hello." + fault.Code(wire.CodeRevoked),
}

// Broker asks the broker whether a session would be opened, and returns the Environment's name.
func Broker(ctx context.Context, s settings.Settings, cert tls.Certificate, r Route) (string, error) {
	answer, err := r.probe(ctx, s, cert, wire.Hello{})
	return answer.Environment, err
}

// StateSealKey tells the broker this server's statement of its sealing key (package secret/envelope)
// before the first session. It reports whether the cloud keeps it: a cloud may not know of sealing,
// and where a session of the server is open, that one has told its own.
func StateSealKey(ctx context.Context, s settings.Settings, cert tls.Certificate, statement string, r Route) (kept bool, err error) {
	answer, err := r.probe(ctx, s, cert, wire.Hello{SealKey: statement})
	return answer.SealKey, err
}

// Leave tells the broker that this server will not come back, so that the cloud revokes it. If
// another host is connected as this server, the cloud does not revoke it, and inUse names that
// host.
func Leave(ctx context.Context, s settings.Settings, cert tls.Certificate, r Route) (inUse string, err error) {
	answer, err := r.probe(ctx, s, cert, wire.Hello{Leave: true})
	return plain.Head(plain.Name(answer.InUse), wire.MaxText), err
}

// probe asks as this server; ask is what it says besides who it is.
func (r Route) probe(ctx context.Context, s settings.Settings, cert tls.Certificate, ask wire.Hello) (wire.Probed, error) {
	ctx, cancel := context.WithTimeout(ctx, proveFor)
	defer cancel()
	answer, err := link.Probe(ctx, link.Config{
		Address: s.BrokerAddr(), Transport: s.QueueTransport, Dialer: r.Dialer,
		TLS: func() (*tls.Config, error) { return r.tls(cert), nil },
		Hello: func() wire.Hello {
			h := ask
			h.Protocol, h.ServerXID, h.ServerName, h.BrokerToken = wire.Protocol, wire.ServerXID(s.ServerXID), s.ServerName, s.BrokerToken.Reveal()
			h.Version, h.BootID, h.MachineID = r.Version, r.BootID, r.MachineID
			return h
		},
	})
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		err = fmt.Errorf("proving the broker %q: %w\nhint: %s", s.BrokerAddr(), f, f.Hint)
		if slices.Contains(refusals, f.Code) {
			err = fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return wire.Probed{}, err
	}
	return answer, err
}

func (r Route) tls(cert tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: r.Roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}
