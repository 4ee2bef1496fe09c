package registry

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"tcenvsvr/agent/wire"
)

// Renew issues a certificate for the key of request, a PKCS#10, to a server that
// has a session. newest is the certificate that the server has stored last.
//
// Two certificates are accepted at any time, and newest is always one of
// them: where a renewed one was stored and not used yet, it takes the current one's place
// before another is issued. Without that, a server that lost the answer to a second request
// while holding the certificate of the first would be locked out.
func (r *Registry) Renew(ctx context.Context, xid wire.ServerXID, newest wire.SHA256, request []byte) (*x509.Certificate, error) {
	var stored digest
	if _, err := hex.Decode(stored[:], []byte(newest)); err != nil || !newest.Valid() {
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
		switch {
		case i.Next != nil && i.Next.Digest.equal(stored):
			i.advance()
		case !i.Certificate.equal(stored):
			return denied(wire.CodeCertificate, "the newest certificate of server %q is not one that it may renew", xid)
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

// advance makes the renewed certificate the current one.
func (r *Registry) advance(ctx context.Context, xid wire.ServerXID, print digest) (record, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		if i := &s.Current; i.Next != nil && i.Next.Digest.equal(print) {
			i.advance()
			s.Twin = nil // only one host has this key
		} // else another gateway did
		return nil
	})
	if err == nil {
		r.log.Info("renewed client certificate in use", "server", xid)
	}
	return s, err
}
