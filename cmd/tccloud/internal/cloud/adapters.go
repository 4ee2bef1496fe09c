package cloud

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/gateway"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
	"tcenvsvr/cmd/tccloud/internal/releases"
)

// authenticator implements gateway.Authenticator by the registry.
type authenticator struct{ *registry.Registry }

func (d authenticator) Authenticate(ctx context.Context, xid wire.ServerXID, brokerToken string, cert *x509.Certificate) (gateway.Server, error) {
	return admitted(d.Registry.Authenticate(ctx, xid, brokerToken, cert))
}

func (d authenticator) Probe(ctx context.Context, xid wire.ServerXID, brokerToken string, cert *x509.Certificate, leave bool) (gateway.Server, error) {
	s, err := d.Registry.Probe(xid, brokerToken, cert)
	if err == nil && leave {
		s, err = d.Revoke(ctx, xid)
	}
	return admitted(s, err)
}

func (d authenticator) Renew(ctx context.Context, xid wire.ServerXID, host twin.Host, m *wire.Renew) (*x509.Certificate, error) {
	cert, err := d.Registry.Renew(ctx, xid, host, m.Newest, m.Request)
	return cert, toDenied(err)
}

func (d authenticator) sealKey(ctx context.Context, srv gateway.Server, statement string) ([]string, error) {
	return d.StateSealKey(ctx, srv.XID, srv.Environment, statement)
}

func admitted(s registry.Server, err error) (gateway.Server, error) {
	if err != nil {
		return gateway.Server{}, toDenied(err)
	}
	return gateway.Server{XID: s.XID, Name: s.Name, Environment: s.Environment, Bundle: s.Bundle}, nil
}

// toDenied returns err as the gateway sends it to the agent.
func toDenied(err error) error {
	if denied, ok := errors.AsType[*registry.Denied](err); ok {
		return &gateway.Denied{Code: denied.Code, Message: denied.Message}
	}
	if errors.Is(err, registry.ErrInvalid) {
		return &gateway.Denied{Code: wire.CodeProtocol, Message: err.Error()}
	}
	return err
}

// fleet implements registry.Sessions and releases.Fleet by the gateway.
type fleet struct{ *gateway.Gateway }

// peerTimeout bounds a request to the other gateways.
const peerTimeout = 5 * time.Second

// Connected implements registry.Sessions.
func (s fleet) Connected(context.Context) ([]wire.ServerXID, error) {
	list := s.Sessions()
	xids := make([]wire.ServerXID, len(list))
	for i, l := range list {
		xids[i] = l.XID
	}
	return xids, nil
}

var disconnectReasons = map[wire.Code]string{
	wire.CodeRevoked:       "the server was revoked",
	wire.CodeInactive:      "the environment is not active",
	wire.CodeUnknownServer: "the server was removed",
}

func (s fleet) Disconnect(ctx context.Context, xid wire.ServerXID, code wire.Code) error {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return s.Gateway.Disconnect(ctx, xid, code, disconnectReasons[code])
}

// Resume implements registry.Sessions.
func (s fleet) Resume(ctx context.Context, xid wire.ServerXID) error {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	err := s.Control(ctx, xid, &wire.Control{Action: wire.ActionResume})
	if errors.Is(err, gateway.ErrNotConnected) {
		return nil
	}
	return err
}

// Reports implements releases.Fleet.
func (s fleet) Reports(context.Context) ([]releases.Report, error) {
	list := s.Sessions()
	reports := make([]releases.Report, len(list))
	for i, l := range list {
		reports[i] = releases.Report{Server: releases.Server{XID: l.XID, Environment: l.Environment}, Version: l.Version}
		if l.Info != nil && l.Info.Update != nil {
			reports[i].Update = *l.Info.Update
		}
	}
	return reports, nil
}

// Nudge implements releases.Fleet.
func (s fleet) Nudge(ctx context.Context, xid wire.ServerXID) error {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	return s.Gateway.Control(ctx, xid, &wire.Control{Action: wire.ActionUpdate})
}

// memberships implements releases.Servers by the registry.
type memberships struct{ *registry.Registry }

func (m memberships) EnvironmentOf(xid wire.ServerXID) (string, error) {
	s, err := m.Server(xid)
	return s.Environment, err
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
