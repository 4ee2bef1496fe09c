package registry

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tcenvsvr/agent/link/wire"
)

// Request asks for an identity.
type Request struct {
	Environment string
	// Server re-issues for an existing server, which keeps its xid and moves to Environment when
	// the new identity is first used; empty makes a new server.
	Server wire.ServerXID
	// Name is for people; empty keeps the server's name or makes one.
	Name string
	// KeepKey gives new tokens only: the certificate in the server's own keystore stays valid. It
	// needs Server.
	KeepKey bool
}

// Issued is an identity in clear text. It exists only until it is written into a bundle; the cloud
// keeps digests.
type Issued struct {
	XID           wire.ServerXID
	Name          string
	Environment   string
	BrokerToken   string
	DeliveryToken string
	Key           *ecdsa.PrivateKey // nil with KeepKey
	Certificate   *x509.Certificate // nil with KeepKey
}

// Issue makes an identity for a new server, or a pending one for an existing server.
func (r *Registry) Issue(ctx context.Context, q Request) (Issued, error) {
	if _, err := r.Environment(q.Environment); err != nil {
		return Issued{}, err
	}
	if s, err := r.Server(q.Server); err == nil && q.Name == "" && s.Environment != q.Environment {
		q.Name = s.Name // which another server may have there
	}
	if err := r.checkName(q); err != nil {
		return Issued{}, err
	}
	if q.KeepKey && q.Server == "" {
		return Issued{}, invalid("request: a new server needs a key of its own")
	}
	out := Issued{
		XID: q.Server, Name: q.Name, Environment: q.Environment,
		BrokerToken: newToken(), DeliveryToken: newToken(),
	}
	if out.XID == "" {
		out.XID = wire.ServerXID(uuid.NewString())
	}
	if out.Name == "" && q.Server == "" {
		out.Name = "envsvr-" + string(out.XID[:8])
	}
	now := time.Now().UTC().Truncate(time.Second)
	i := identity{
		Name: out.Name, Environment: q.Environment, Issued: now,
		BrokerToken: digestOf(out.BrokerToken), DeliveryToken: digestOf(out.DeliveryToken),
	}
	if !q.KeepKey {
		var err error
		if out.Key, out.Certificate, err = r.ca.IssueClient(string(out.XID)); err != nil {
			return Issued{}, err
		}
		i.Certificate = sha256.Sum256(out.Certificate.Raw)
		i.Serial = out.Certificate.SerialNumber.Text(16)
		i.Expires = out.Certificate.NotAfter.UTC()
	}
	if q.Name != "" {
		used, err := r.claim(ctx, q.Environment, q.Name, out.XID)
		if err != nil {
			return Issued{}, err
		}
		defer used() // also after a failure: then its record does not have the name
	}
	if q.Server == "" {
		err := r.create(ctx, srvPrefix+string(out.XID), record{XID: out.XID, Created: now, Current: i})
		if err != nil {
			return Issued{}, fmt.Errorf("storing server %q: %w", out.Name, err)
		}
		return out, nil
	}
	_, err := update(ctx, r, srvPrefix+string(q.Server), func(s *record) error {
		if i.Name == "" {
			i.Name, out.Name = s.Current.Name, s.Current.Name
		}
		if q.KeepKey {
			if s.Revoked != nil {
				return invalid("request: server %q was revoked, its key cannot be kept", q.Server)
			}
			i.Certificate, i.Serial, i.Expires, i.Next = s.Current.Certificate, s.Current.Serial, s.Current.Expires, s.Current.Next
		}
		s.Pending = &i
		return nil
	})
	if err != nil {
		return Issued{}, fmt.Errorf("storing the new identity of server %.70q: %w", string(q.Server), err)
	}
	return out, nil
}

// newToken returns 256 random bits, in characters that need no quoting in files, headers or shells.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
