package registry

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// Renew issues a certificate for the key of request, a PKCS#10, to a server that has a session.
// newest is the certificate that the server has stored last.
//
// Two certificates are accepted at any time, and newest is always one of them: a renewed one that
// was stored and not used yet becomes the current one before another is issued. Otherwise a server
// that has the certificate of a first request, and lost the answer to a second, would be locked
// out.
//
// A host with a copy of the keys gets a session while the server is away for a moment. It must not
// make the identity its own by that: a certificate is renewed only in the second half of its life,
// and, while two hosts run as the server, only for the one that an administrator chose.
func (r *Registry) Renew(ctx context.Context, xid wire.ServerXID, host twin.Host, newest wire.SHA256, request []byte) (*x509.Certificate, error) {
	var stored digest
	if err := stored.UnmarshalText([]byte(newest)); err != nil {
		return nil, invalid("newest certificate %.70q is no digest", string(newest))
	}
	if s, err := r.Server(xid); err != nil {
		return nil, err
	} else if s.Revoked != nil {
		return nil, denied(wire.CodeRevoked, "server %q was revoked", xid)
	}
	cert, err := r.ca.SignClient(string(xid), request)
	if err != nil {
		return nil, invalid("request for a certificate of server %q: %v", xid, err)
	}
	_, err = update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		i := &s.Current
		if now := time.Now(); s.Twin.Current(now) && (s.Twin.Kept == "" || s.Twin.Excludes(host, now)) {
			return denied(wire.CodeInUse, "two hosts run as server %q, and an administrator has not chosen this one", xid)
		}
		switch {
		case i.Next != nil && i.Next.Digest.equal(stored):
			i.advance()
		case !i.Certificate.equal(stored):
			return denied(wire.CodeCertificate, "the newest certificate of server %q is not one that it may renew", xid)
		case i.Next == nil && (s.Twin == nil || s.Twin.Kept == "") && r.early(i.Expires):
			return denied(wire.CodeCertificate, "the certificate of server %q is valid until %s: it is too early to renew it", xid, i.Expires.Format(time.DateTime))
		}
		i.Next = &certificate{Digest: sha256.Sum256(cert.Raw), Serial: cert.SerialNumber.Text(16), Expires: cert.NotAfter.UTC()}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("storing the renewed certificate of server %q: %w", xid, err)
	}
	r.log.Info("client certificate renewed", "server", xid, "expires", cert.NotAfter.UTC())
	return cert, nil
}

// early reports whether a certificate is in the first half of its life. A certificate that ends
// later than any that is made now does not count as early: its life was set differently, or the
// clock was wrong.
func (r *Registry) early(ends time.Time) bool {
	now, life := r.certainTime(), r.ca.Life()
	if now.IsZero() {
		return false
	}
	left := ends.Sub(now)
	return left > life/2 && left <= life
}

// advance makes the renewed certificate the current one.
func (r *Registry) advance(ctx context.Context, xid wire.ServerXID, print digest) (record, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		if i := &s.Current; i.Next != nil && i.Next.Digest.equal(print) {
			i.advance()
			s.Twin = nil // only one host has this key
		} // else another gateway did it
		return nil
	})
	if err == nil {
		r.log.Info("renewed client certificate in use", "server", xid)
	}
	return s, err
}
