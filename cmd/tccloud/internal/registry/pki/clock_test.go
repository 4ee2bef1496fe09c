package pki

import (
	"crypto/ecdsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// A certificate that was made while the clock was wrong is replaced when it is right again; one
// that seems over is kept while nobody knows whether it is.
func TestCertificateOfAWrongClock(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, tt := range map[string]struct {
		from, until time.Duration
		trusted     bool
		renewed     bool
	}{
		"begins in the future":                    {year, 2 * year, true, true},
		"begins in the future, clock in question": {year, 2 * year, false, true},
		"good":                          {-time.Hour, year, true, false},
		"over":                          {-2 * time.Hour, -time.Hour, true, true},
		"over, clock in question":       {-2 * time.Hour, -time.Hour, false, false},
		"two thirds, clock in question": {-2 * time.Hour, time.Minute, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := authority(t, t.TempDir())
			s := server(t, a)
			key := s.cert.PrivateKey.(*ecdsa.PrivateKey)
			made, err := sign(&x509.Certificate{
				SerialNumber: serial(), NotBefore: time.Now().Add(tt.from), NotAfter: time.Now().Add(tt.until),
				DNSNames: s.cert.Leaf.DNSNames, IPAddresses: s.cert.Leaf.IPAddresses,
			}, a.cert, key, a.key)
			if err != nil {
				t.Fatal(err)
			}
			s.cert = s.present(made)
			s.Trust(func() bool { return tt.trusted })
			shown, err := s.Get(nil)
			if err != nil {
				t.Fatal(err)
			}
			if renewed := !shown.Leaf.Equal(made.cert); renewed != tt.renewed {
				t.Errorf("renewed: %v, want %v", renewed, tt.renewed)
			}
			if valid := s.Problem() == ""; valid != (tt.renewed || name == "good" || tt.until > 0) {
				t.Errorf("problem %q", s.Problem())
			}
		})
	}
}

// A CA does not depend on the clock of the first start, and signs nothing when it is over by the
// clock: that would be over at birth.
func TestAuthorityOfAWrongClock(t *testing.T) {
	a := authority(t, t.TempDir())
	if at := a.cert.NotBefore; !at.Before(now()) || at.After(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the CA begins on %s", at)
	}
	a.cert.NotAfter = time.Now().Add(-time.Hour) // as it looks to a clock that is ahead
	_, _, err := a.IssueClient("one")
	if err == nil || !strings.Contains(err.Error(), "the CA is valid until "+a.cert.NotAfter.UTC().Format(time.DateTime)) || !strings.Contains(err.Error(), ", and this host's clock says ") || !strings.HasSuffix(err.Error(), "\nhint: set the clock") {
		t.Errorf("a CA that is over: got %v", err)
	}
	if s, err := NewServer(a, nil); err == nil {
		t.Errorf("got a server certificate until %s", s.Leaf().NotAfter)
	}
}
