package envelope

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Why nothing is sealed to the key of a statement.
var (
	ErrUntrusted = errors.New("the sealing key is not certified by a CA that is trusted")
	ErrUnpinned  = errors.New("the sealing key's fingerprint is not among the pinned ones")
	ErrStatement = errors.New("the statement of the sealing key is not good")
	ErrStale     = errors.New("the statement of the sealing key is not of this time")
)

// skew is how far the server's clock may be ahead of the submitter's.
const skew = 5 * time.Minute

// Trust is whom a submitter believes, see the package documentation. At least one of both is
// needed; where both are given, both must be right.
type Trust struct {
	CAs  []*x509.Certificate // of the servers' client certificates
	Pins []Fingerprint       // of sealing keys, as the servers themselves show them
}

// Server is who claims to have made the statement.
func (s *Statement) Server() wire.ServerXID { return s.server }

// Fingerprint is that of the claimed key, for people to compare.
func (s *Statement) Fingerprint() Fingerprint { return s.key.Fingerprint() }

// KeyID is the claimed key's.
func (s *Statement) KeyID() KeyID { return s.key.ID() }

// Verify returns the key of the statement where t trusts it, as the key of a server of the
// Environment.
func (s *Statement) Verify(t Trust, environment string, now time.Time) (PublicKey, error) {
	if err := s.verify(t, environment, now); err != nil {
		return PublicKey{}, fmt.Errorf("verifying the sealing key of server %.70q: %w", string(s.server), err)
	}
	return s.key, nil
}

func (s *Statement) verify(t Trust, environment string, now time.Time) error {
	if len(t.CAs) == 0 && len(t.Pins) == 0 {
		return fmt.Errorf("%w: nothing is trusted; give the CA, or the fingerprint that the server shows", ErrUntrusted)
	}
	if err := s.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrStatement, err)
	}
	leaf, err := s.check()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if s.environment != environment {
		return fmt.Errorf("%w: the server says it is of %q, want %q", ErrStatement, s.environment, environment)
	}
	made := time.UnixMilli(s.made)
	if made.After(now.Add(skew)) || now.Sub(made) > StatementLife {
		return fmt.Errorf("%w: made at %s, and it is believed for %d days; compare the clocks, or have the server connect", ErrStale,
			made.UTC().Format(time.RFC3339), StatementLife/24/time.Hour)
	}
	if len(t.Pins) > 0 && !slices.Contains(t.Pins, s.Fingerprint()) {
		return fmt.Errorf("%w: %s; compare it with what the server shows", ErrUnpinned, s.Fingerprint())
	}
	if len(t.CAs) == 0 {
		return nil
	}
	return s.certified(leaf, t.CAs, now)
}

// certified reports why the CAs do not say that the certificate is this server's.
func (s *Statement) certified(leaf *x509.Certificate, cas []*x509.Certificate, now time.Time) error {
	if leaf.IsCA || leaf.Subject.CommonName != string(s.server) {
		return fmt.Errorf("%w: the certificate is not a server's of this xid, but that of %.80q", ErrUntrusted, leaf.Subject.CommonName)
	}
	how := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, c := range cas {
		how.Roots.AddCert(c)
	}
	for _, der := range s.chain[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("%w: reading its chain: %w", ErrUntrusted, err)
		}
		how.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(how); err != nil {
		return fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	return nil
}
