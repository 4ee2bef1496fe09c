package registry

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tcenvsvr/agent/wire"
)

// Authenticate reports who an agent is that presents xid, brokerToken
// and the certificate of its TLS connection (nil where it had none), and
// whether it may connect: otherwise the error is a *Denied. It answers
// from memory, but for the first use of a new bundle.
//
// The certificate is judged first, so that only who holds one of ours learns
// which servers exist.
func (r *Registry) Authenticate(ctx context.Context, xid wire.ServerXID, brokerToken string, cert *x509.Certificate) (Server, error) {
	if cert == nil {
		return Server{}, denied(wire.CodeCertificate, "no client certificate was presented: is the bundle's keystore in use?")
	}
	r.mu.RLock()
	s, known := r.servers[xid]
	r.mu.RUnlock()

	ours := false // one of the certificates issued to this server, so no need to verify it
	var found *identity
	token, print := digestOf(brokerToken), digest(sha256.Sum256(cert.Raw))
	for _, i := range s.value.identities() {
		if i.Certificate.equal(print) {
			ours = true
			if i.BrokerToken.equal(token) {
				found = &i
				break
			}
		}
	}
	switch now := time.Now(); {
	case ours && now.After(cert.NotAfter):
		return Server{}, denied(wire.CodeCertificate, "the client certificate expired on %s: make a new bundle with --server %s", cert.NotAfter.Format(time.DateOnly), xid)
	case !ours:
		return Server{}, r.whyNot(xid, known, cert)
	case found == nil:
		return Server{}, denied(wire.CodeBadToken, "brokerToken does not match server %q", xid)
	}
	return r.admit(ctx, s.value, *found)
}

// whyNot names what is wrong with a certificate that was not issued to xid.
func (r *Registry) whyNot(xid wire.ServerXID, known bool, cert *x509.Certificate) error {
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

// admit lets a proven identity in if nothing forbids it.
func (r *Registry) admit(ctx context.Context, s record, i identity) (Server, error) {
	pending := i.BrokerToken != s.Current.BrokerToken
	if s.Revoked != nil && !pending {
		return Server{}, denied(wire.CodeRevoked, "server %q was revoked on %s", s.XID, s.Revoked.Format(time.DateOnly))
	}
	if env, err := r.Environment(i.Environment); err != nil || !env.Active {
		return Server{}, denied(wire.CodeInactive, "environment %q is not active", i.Environment)
	}
	if pending {
		var err error
		if s, err = r.promote(ctx, s.XID, i); err != nil {
			return Server{}, fmt.Errorf("taking the new bundle of server %q into use: %w", s.XID, err)
		}
	}
	return s.public(), nil
}

// promote makes a pending identity the current one.
func (r *Registry) promote(ctx context.Context, xid wire.ServerXID, i identity) (record, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		switch {
		case s.Current.BrokerToken == i.BrokerToken: // another gateway did
		case s.Pending != nil && s.Pending.BrokerToken == i.BrokerToken:
			s.Current, s.Pending, s.Revoked = *s.Pending, nil, nil
		default:
			return errors.New("it was replaced in this moment")
		}
		return nil
	})
	if err == nil {
		r.log.Info("new bundle in use", "server", xid, "environment", s.Current.Environment)
	}
	return s, err
}

// Deliver reports which server an appDeliveryToken belongs to, if that
// server may connect; otherwise the error is a *Denied.
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
