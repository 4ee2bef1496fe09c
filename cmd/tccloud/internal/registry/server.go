package registry

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

// digest is the SHA-256 of a token or certificate.
type digest [sha256.Size]byte

func digestOf(s string) digest { return sha256.Sum256([]byte(s)) }

func (d digest) equal(e digest) bool { return subtle.ConstantTimeCompare(d[:], e[:]) == 1 }

// MarshalText implements encoding.TextMarshaler: hex digits.
func (d digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *digest) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(d) {
		return fmt.Errorf("digest of %d characters", len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// identity is what a server got by one bundle.
type identity struct {
	Name          string    `json:"name"`
	Environment   string    `json:"environment"`
	BrokerToken   digest    `json:"broker_token"`
	DeliveryToken digest    `json:"delivery_token"`
	Certificate   digest    `json:"certificate"` // of the DER form
	Serial        string    `json:"serial"`
	Expires       time.Time `json:"expires"`
	Issued        time.Time `json:"issued"`
	// Next is a renewed certificate that has not been used yet. Its first session makes it the
	// current one.
	Next *certificate `json:"next,omitempty"`
}

// certificate is a client certificate that was issued.
type certificate struct {
	Digest  digest    `json:"digest"` // of the DER form
	Serial  string    `json:"serial"`
	Expires time.Time `json:"expires"`
}

// name is different for each bundle; it is not secret.
func (i *identity) name() string { return hex.EncodeToString(i.BrokerToken[:8]) }

func (i *identity) holds(print digest) bool {
	return i.Certificate.equal(print) || i.Next != nil && i.Next.Digest.equal(print)
}

// advance puts the renewed certificate in place of the old one.
func (i *identity) advance() {
	i.Certificate, i.Serial, i.Expires, i.Next = i.Next.Digest, i.Next.Serial, i.Next.Expires, nil
}

// record is a server as it is stored.
type record struct {
	XID     wire.ServerXID `json:"xid"`
	Created time.Time      `json:"created"`
	Current identity       `json:"current"`
	Renamed bool           `json:"renamed,omitempty"` // by an operator
	Pending *identity      `json:"pending,omitempty"`
	Revoked *time.Time     `json:"revoked,omitempty"` // of Current; a pending identity ends it
	Twin    *twin.Conflict `json:"twin,omitempty"`    // several hosts run with Current
	Drain   *Drain         `json:"drain,omitempty"`
	Away    *time.Time     `json:"away,omitempty"` // since when, see Absences
}

func (s *record) identities() []identity {
	switch {
	case s.XID == "":
		return nil
	case s.Pending == nil:
		return []identity{s.Current}
	}
	return []identity{*s.Pending, s.Current}
}

// Server is what people may see of a server.
type Server struct {
	XID                wire.ServerXID `json:"xid"`
	Name               string         `json:"name"`
	Renamed            bool           `json:"renamed,omitempty"` // by an operator; else it may name itself
	Environment        string         `json:"environment"`
	Created            time.Time      `json:"created"`
	Revoked            *time.Time     `json:"revoked,omitempty"`
	CertificateSerial  string         `json:"certificate_serial"`
	CertificateExpires time.Time      `json:"certificate_expires"`
	// PendingBundle is when a newer bundle was made that is not in use yet.
	PendingBundle *time.Time `json:"pending_bundle,omitempty"`
	// Away is since when it has no session, as far as that was noted: an hour later.
	Away *time.Time `json:"away,omitempty"`
	// Twin says that several hosts run as this server.
	Twin *twin.Conflict `json:"twin,omitempty"`
	// Drain says that it takes no new orders for a while.
	Drain *Drain `json:"drain,omitempty"`
	// SealKey is the key to which parameters for this server are sealed, nil before it stated one.
	SealKey *SealKey `json:"seal_key,omitempty"`
	// Bundle changes when another bundle's identity comes into use.
	Bundle string `json:"-"`
}

func (s *record) public() Server {
	p := Server{
		XID: s.XID, Name: s.Current.Name, Renamed: s.Renamed, Environment: s.Current.Environment, Created: s.Created, Revoked: s.Revoked,
		CertificateSerial: s.Current.Serial, CertificateExpires: s.Current.Expires,
		Away: s.Away, Bundle: s.Current.name(),
	}
	if s.Drain.current(time.Now()) {
		p.Drain = s.Drain
	}
	if s.Twin.Current(time.Now()) {
		p.Twin = s.Twin
	}
	if s.Pending != nil {
		p.PendingBundle = &s.Pending.Issued
	}
	return p
}

// Servers lists those of one Environment, or all for "", by Environment and name.
func (r *Registry) Servers(environment string) []Server {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Server, 0, len(r.servers))
	for _, s := range r.servers {
		if environment == "" || s.value.Current.Environment == environment {
			list = append(list, r.public(&s.value))
		}
	}
	slices.SortFunc(list, func(a, b Server) int {
		return strings.Compare(a.Environment+"\x00"+a.Name+"\x00"+string(a.XID), b.Environment+"\x00"+b.Name+"\x00"+string(b.XID))
	})
	return list
}

// Server returns one, or ErrNotFound.
func (r *Registry) Server(xid wire.ServerXID) (Server, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.servers[xid]
	if !ok {
		return Server{}, fmt.Errorf("server %.70q: %w", string(xid), ErrNotFound)
	}
	return r.public(&s.value), nil
}

// Revoke ends a server's identity, and its pending one. Its session is cut, and it may not connect
// until it gets a new bundle.
func (r *Registry) Revoke(ctx context.Context, xid wire.ServerXID) (Server, error) {
	s, err := update(ctx, r, srvPrefix+string(xid), func(s *record) error {
		if s.Revoked == nil {
			now := time.Now().UTC().Truncate(time.Second)
			s.Revoked = &now
		}
		s.Pending, s.Twin = nil, nil
		return nil
	})
	if err != nil {
		return Server{}, fmt.Errorf("revoking server %.70q: %w", string(xid), err)
	}
	return s.public(), nil
}
