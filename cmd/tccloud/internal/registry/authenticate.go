package registry

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Authenticate returns the server that an agent is which presents xid, brokerToken and the
// certificate of its TLS connection (nil if it had none). If the agent may not connect the error is
// a [Denied]. It answers from memory, except for the first use of a new bundle.
//
// The certificate is checked first, so that only an agent with a certificate of this CA learns
// which servers exist.
func (r *Registry) Authenticate(ctx context.Context, xid wire.ServerXID, brokerToken string, cert *x509.Certificate) (Server, error) {
	s, i, err := r.identify(xid, brokerToken, cert)
	if err != nil {
		return Server{}, err
	}
	if s, err = r.activate(ctx, s, i, cert); err != nil {
		return Server{}, err
	}
	return s.public(), nil
}

// Probe is Authenticate without a change: a bundle or certificate that is not in use yet stays so.
// It returns the server as it would be after the first use.
func (r *Registry) Probe(xid wire.ServerXID, brokerToken string, cert *x509.Certificate) (Server, error) {
	s, i, err := r.identify(xid, brokerToken, cert)
	if err != nil {
		return Server{}, err
	}
	s.Current = i
	return s.public(), nil
}

// identify finds the identity that an agent presents, or returns a Denied that says why the agent
// may not use it.
func (r *Registry) identify(xid wire.ServerXID, brokerToken string, cert *x509.Certificate) (record, identity, error) {
	if cert == nil {
		return record{}, identity{}, denied(wire.CodeCertificate, "no client certificate was presented: is the bundle's keystore in use?")
	}
	r.mu.RLock()
	s, known := r.servers[xid]
	r.mu.RUnlock()

	ours := false // one of the certificates issued to this server, so no need to verify it
	var found *identity
	token, print := digestOf(brokerToken), digest(sha256.Sum256(cert.Raw))
	for _, i := range s.value.identities() {
		if i.holds(print) {
			ours = true
			if i.BrokerToken.equal(token) {
				found = &i
				break
			}
		}
	}
	switch now := r.certainTime(); {
	case ours && now.After(cert.NotAfter):
		return record{}, identity{}, denied(wire.CodeClock, "the client certificate is valid until %s, and the cloud's clock says %s: if that is right, make a new bundle with --server %s",
			cert.NotAfter.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime), xid)
	case !ours:
		return record{}, identity{}, r.denial(xid, known, cert)
	case found == nil:
		return record{}, identity{}, denied(wire.CodeBadToken, "brokerToken does not match server %q", xid)
	}
	return s.value, *found, r.forbidden(s.value, *found)
}

// denial says what is wrong with a certificate that was not issued to xid.
func (r *Registry) denial(xid wire.ServerXID, known bool, cert *x509.Certificate) error {
	if err := r.ca.VerifyClient(cert); err != nil {
		return denied(wire.CodeCertificate, "the client certificate is not valid here: %.300v", err)
	}
	switch cn := cert.Subject.CommonName; {
	case cn != string(xid):
		return denied(wire.CodeCertificate, "the client certificate belongs to server %.70q, not to %q", cn, xid)
	case !known:
		return denied(wire.CodeUnknownServer, "no server %q here: it was removed, or the bundle is another cloud's", xid)
	}
	return denied(wire.CodeCertificate, "the client certificate of server %q was replaced by a newer bundle's", xid)
}

// forbidden returns the reason if an agent with this identity may not connect.
func (r *Registry) forbidden(s record, i identity) error {
	if s.Revoked != nil && i.BrokerToken == s.Current.BrokerToken {
		return denied(wire.CodeRevoked, "server %q was revoked on %s", s.XID, s.Revoked.Format(time.DateOnly))
	}
	if env, err := r.Environment(i.Environment); err != nil || !env.Active {
		return denied(wire.CodeInactive, "environment %q is not active", i.Environment)
	}
	return nil
}

// activate makes a bundle or a certificate that is presented for the first time the current one.
func (r *Registry) activate(ctx context.Context, s record, i identity, cert *x509.Certificate) (record, error) {
	var err error
	if i.BrokerToken != s.Current.BrokerToken {
		if s, err = r.promote(ctx, s.XID, i); err != nil {
			return s, fmt.Errorf("taking the new bundle of server %q into use: %w", s.XID, err)
		}
	}
	print := digest(sha256.Sum256(cert.Raw))
	if s.Current.Next != nil && s.Current.Next.Digest.equal(print) {
		if s, err = r.advance(ctx, s.XID, print); err != nil {
			return s, fmt.Errorf("taking the renewed certificate of server %q into use: %w", s.XID, err)
		}
	}
	return s, nil
}

// promote makes a pending identity the current one.
func (r *Registry) promote(ctx context.Context, xid wire.ServerXID, i identity) (record, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		switch {
		case s.Current.BrokerToken == i.BrokerToken: // another gateway did it
		case s.Pending != nil && s.Pending.BrokerToken == i.BrokerToken:
			s.Current, s.Pending, s.Revoked, s.Twin = *s.Pending, nil, nil, nil
		default:
			return errors.New("a newer one was made for the server in this moment")
		}
		return nil
	})
	if err == nil {
		r.log.Info("new bundle in use", "server", xid, "environment", s.Current.Environment)
	}
	return s, err
}

// Deliver returns the server that an appDeliveryToken belongs to. If that server may not connect
// the error is a [Denied].
func (r *Registry) Deliver(token string) (wire.ServerXID, error) {
	d := digestOf(token)
	r.mu.RLock()
	defer r.mu.RUnlock()
	xid, ok := r.delivery[d]
	if !ok {
		return "", denied(wire.CodeBadToken, "appDeliveryToken is no server's")
	}
	s := r.servers[xid].value
	for _, i := range s.identities() {
		if !i.DeliveryToken.equal(d) {
			continue
		}
		switch env := r.envs[i.Environment].value; {
		case s.Revoked != nil && i.DeliveryToken == s.Current.DeliveryToken:
			return "", denied(wire.CodeRevoked, "server %q was revoked", xid)
		case !env.Active:
			return "", denied(wire.CodeInactive, "environment %q is not active", i.Environment)
		}
		return xid, nil
	}
	return "", denied(wire.CodeBadToken, "appDeliveryToken is no server's")
}
