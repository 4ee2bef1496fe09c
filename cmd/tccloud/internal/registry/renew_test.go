package registry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/twin"
)

func request(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "somebody else"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func digestOf(c *x509.Certificate) wire.SHA256 {
	sum := sha256.Sum256(c.Raw)
	return wire.SHA256(hex.EncodeToString(sum[:]))
}

// TestRenew walks through what a server that is killed at any step may hold.
func TestRenew(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	i := c.issue(registry.Request{Environment: "lab", Name: "one"})
	life := c.ca.Life()
	renew := func(newest *x509.Certificate) *x509.Certificate {
		t.Helper()
		life -= time.Hour // a certificate that ends later than any that is made now may be renewed at any time
		c.ca.ClientLife(life)
		cert, err := c.Renew(t.Context(), i.XID, twin.Host{}, digestOf(newest), request(t, newKey(t)))
		if err != nil {
			t.Fatal(err)
		}
		if cert.Subject.CommonName != string(i.XID) {
			t.Errorf("the certificate is for %q, as the request asked", cert.Subject.CommonName)
		}
		return cert
	}
	accepted := func(name string, cert *x509.Certificate, want wire.Code) {
		t.Helper()
		if _, err := c.Registry.Probe(i.XID, i.BrokerToken, cert); code(err) != want {
			t.Errorf("%s: got %q, want %q", name, code(err), want)
		}
	}
	use := func(cert *x509.Certificate) {
		t.Helper()
		if _, err := c.Authenticate(t.Context(), i.XID, i.BrokerToken, cert); err != nil {
			t.Fatal(err)
		}
	}
	first := i.Certificate
	lost := renew(first) // the answer never arrived
	second := renew(first)
	accepted("the old one before the first use", first, "")
	accepted("the renewed one", second, "")
	accepted("one whose answer was lost", lost, wire.CodeCertificate)
	use(second)
	accepted("the old one after it", first, wire.CodeCertificate)

	third := renew(second) // stored, and never used …
	fourth := renew(third) // … when the next is asked for: the newest stored one stays good
	accepted("the newest stored one", third, "")
	accepted("the one just issued", fourth, "")
	accepted("the one before both", second, wire.CodeCertificate)
	use(third)
	use(fourth)
	accepted("the one before", third, wire.CodeCertificate)
	again := c.gateway() // another process reads the same
	if _, err := again.Authenticate(t.Context(), i.XID, i.BrokerToken, fourth); err != nil {
		t.Error(err)
	}

	if _, err := c.Renew(t.Context(), i.XID, twin.Host{}, digestOf(first), request(t, newKey(t))); code(err) != wire.CodeCertificate || !strings.Contains(err.Error(), "is not one that it may renew") {
		t.Errorf("renewing an old certificate: %v", err)
	}
	for _, bad := range []wire.SHA256{"", "x", wire.SHA256(strings.Repeat("g", 64)), digestOf(fourth)[:63], digestOf(fourth) + "00"} {
		if _, err := c.Renew(t.Context(), i.XID, twin.Host{}, bad, request(t, newKey(t))); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), "is no digest") {
			t.Errorf("renewing %q: %v", bad, err)
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tampered := request(t, newKey(t))
	tampered[len(tampered)-1] ^= 1
	for want, der := range map[string][]byte{
		"reading the request":                            []byte("x"),
		"its key is not one for ECDSA P-256":             request(t, weak),
		"checking that the request is signed by its key": tampered,
	} {
		_, err := c.Renew(t.Context(), i.XID, twin.Host{}, digestOf(fourth), der)
		if !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), fmt.Sprintf("request for a certificate of server %q: %s", i.XID, want)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := c.Revoke(t.Context(), i.XID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Renew(t.Context(), i.XID, twin.Host{}, digestOf(fourth), request(t, newKey(t))); code(err) != wire.CodeRevoked {
		t.Errorf("a revoked server renewed: %v", err)
	}
}

// TestProbeTakesNothingIntoUse: a new bundle that was only tried leaves the running server alone.
func TestProbeTakesNothingIntoUse(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	c.environment("new")
	old := c.issue(registry.Request{Environment: "lab"})
	fresh := c.issue(registry.Request{Environment: "new", Server: old.XID})
	if s, err := c.Registry.Probe(old.XID, fresh.BrokerToken, fresh.Certificate); err != nil || s.Environment != "new" {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := c.Authenticate(t.Context(), old.XID, old.BrokerToken, old.Certificate); err != nil || s.Environment != "lab" {
		t.Errorf("after a probe of the new bundle, the old one: %+v, %v", s, err)
	}
}

// TestRenewByAThief: who has a copy of the keys and found the server away for a moment has a
// session, and does not get a certificate of its own by that.
func TestRenewByAThief(t *testing.T) {
	c := newCloud(t)
	c.environment("lab")
	i := c.issue(registry.Request{Environment: "lab", Name: "one"})
	at := func(journal, address string) twin.Host {
		return twin.Of(&wire.Hello{Journal: journal, BootID: "b", MachineID: "m"}, address, time.Now())
	}
	original, thief := at("j1", "192.0.2.1:1000"), at("j2", "198.51.100.7:1000")
	spoof := at("j1", "198.51.100.7:2000") // all that the original says of itself
	renew := func(h twin.Host) error {
		_, err := c.Renew(t.Context(), i.XID, h, digestOf(i.Certificate), request(t, newKey(t)))
		return err
	}
	if err := renew(thief); code(err) != wire.CodeCertificate || !strings.Contains(err.Error(), "too early") {
		t.Errorf("a fresh certificate was renewed: %v", err)
	}
	c.ca.ClientLife(c.ca.Life() - time.Hour) // the time for it has come
	if _, err := c.RecordConflict(t.Context(), i.XID, thief, original); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]twin.Host{"thief": thief, "original": original} {
		if err := renew(h); code(err) != wire.CodeInUse || !strings.Contains(err.Error(), "and an administrator has not chosen this one") {
			t.Errorf("%s, before an administrator chose: %v", name, err)
		}
	}
	if _, _, err := c.Keep(t.Context(), i.XID, ""); !errors.Is(err, registry.ErrInvalid) || !strings.Contains(err.Error(), `"" names 0 of its hosts, want one; write HOST@ADDRESS where two have the same id`) {
		t.Errorf("nobody was chosen: %v", err)
	}
	if _, _, err := c.Keep(t.Context(), i.XID, original.ID); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]twin.Host{"thief": thief, "thief as the original": spoof} {
		if err := renew(h); code(err) != wire.CodeInUse {
			t.Errorf("%s, after the original was chosen: %v", name, err)
		}
		if !c.Twin(i.XID, c.bundle(i.XID)).Excludes(h, time.Now()) {
			t.Errorf("%s may have a session", name)
		}
	}
	if err := renew(original); err != nil {
		t.Error(err)
	}
}

// bundle is the name of the server's bundle.
func (c *cloud) bundle(xid wire.ServerXID) string {
	c.Helper()
	s, err := c.Server(xid)
	if err != nil {
		c.Fatal(err)
	}
	return s.Bundle
}
