package envelope

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

// authority is a CA as the cloud's.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certify(t testing.TB, template *x509.Certificate, by authority, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(1), true
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(365*24*time.Hour)
	}
	parent := by.cert
	if parent == nil {
		parent, by.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newAuthority(t testing.TB, by authority) authority {
	t.Helper()
	key := newKey(t)
	return authority{certify(t, &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}, by, key), key}
}

func (a authority) server(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "server-1"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	return tls.Certificate{Certificate: [][]byte{certify(t, template, a, key).Raw}, PrivateKey: key}
}

func mustState(t testing.TB, r Ring, identity tls.Certificate) *Statement {
	t.Helper()
	s, err := State(r, "server-1", "plant-7", identity, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify(t *testing.T) {
	ca, r := newAuthority(t, authority{}), newRing(t)
	root, other := []*x509.Certificate{ca.cert}, newAuthority(t, authority{})
	own := []Fingerprint{r.Current().Fingerprint()}
	foreign := []Fingerprint{newRing(t).Current().Fingerprint()}
	usual := ca.server(t, newKey(t), nil)
	between := newAuthority(t, ca)
	chained := between.server(t, newKey(t), nil)
	chained.Certificate = append(chained.Certificate, between.cert.Raw)
	with := func(change func(*x509.Certificate)) tls.Certificate { return ca.server(t, newKey(t), change) }

	for name, tt := range map[string]struct {
		identity    tls.Certificate
		trust       Trust
		environment string
		after       time.Duration
		want        error
	}{
		"by the CA":           {usual, Trust{CAs: root}, "plant-7", 0, nil},
		"by a pin":            {usual, Trust{Pins: own}, "plant-7", 0, nil},
		"by both":             {usual, Trust{CAs: root, Pins: own}, "plant-7", 0, nil},
		"by a chain":          {chained, Trust{CAs: root}, "plant-7", 0, nil},
		"a clock ahead":       {usual, Trust{CAs: root}, "plant-7", -5 * time.Minute, nil},
		"on its last day":     {usual, Trust{CAs: root}, "plant-7", StatementLife, nil},
		"nothing trusted":     {usual, Trust{}, "plant-7", 0, ErrUntrusted},
		"another CA":          {usual, Trust{CAs: []*x509.Certificate{other.cert}}, "plant-7", 0, ErrUntrusted},
		"the cloud's own key": {usual, Trust{CAs: root, Pins: foreign}, "plant-7", 0, ErrUnpinned},
		"a pin, not the CA's": {usual, Trust{CAs: []*x509.Certificate{other.cert}, Pins: own}, "plant-7", 0, ErrUntrusted},
		"another Environment": {usual, Trust{CAs: root}, "plant-8", 0, ErrStatement},
		"from the future":     {usual, Trust{CAs: root}, "plant-7", -5*time.Minute - time.Second, ErrStale},
		"too old":             {usual, Trust{CAs: root}, "plant-7", StatementLife + time.Second, ErrStale},
		"old, pinned":         {usual, Trust{Pins: own}, "plant-7", StatementLife + time.Second, ErrStale},
		"another server's": {with(func(c *x509.Certificate) { c.Subject.CommonName = "server-2" }),
			Trust{CAs: root}, "plant-7", 0, ErrUntrusted},
		"a web server's": {with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
			Trust{CAs: root}, "plant-7", 0, ErrUntrusted},
		"a CA's": {with(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }),
			Trust{CAs: root}, "plant-7", 0, ErrUntrusted},
		"an expired certificate": {with(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.Add(-time.Hour), now.Add(time.Minute) }),
			Trust{CAs: root}, "plant-7", time.Hour, ErrUntrusted},
	} {
		key, err := mustState(t, r, tt.identity).Verify(tt.trust, tt.environment, now.Add(tt.after))
		if !errors.Is(err, tt.want) || (err == nil) != (key.Fingerprint() == own[0]) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestKindsOfCertificates(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ca, r := newAuthority(t, authority{}), newRing(t)
	for name, key := range map[string]crypto.Signer{"ECDSA": newKey(t), "RSA": rsaKey, "Ed25519": edKey} {
		s := mustState(t, r, ca.server(t, key, nil))
		if _, err := s.Verify(Trust{CAs: []*x509.Certificate{ca.cert}}, "plant-7", now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStateRefuses(t *testing.T) {
	ca, r := newAuthority(t, authority{}), newRing(t)
	good := ca.server(t, newKey(t), nil)
	for name, identity := range map[string]tls.Certificate{
		"no certificate":      {PrivateKey: good.PrivateKey},
		"no key":              {Certificate: good.Certificate},
		"another's key":       {Certificate: good.Certificate, PrivateKey: newKey(t)},
		"no real certificate": {Certificate: [][]byte{[]byte("x")}, PrivateKey: good.PrivateKey},
	} {
		if _, err := State(r, "server-1", "plant-7", identity, now); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := State(Ring{}, "server-1", "plant-7", good, now); err == nil {
		t.Error("no key to state")
	}
	if _, err := State(r, "a b", "plant-7", good, now); err == nil {
		t.Error("no xid")
	}
	if _, err := State(r, "server-1", "", good, now); err == nil {
		t.Error("no Environment")
	}
}

func TestNoBitOfAStatementCounts(t *testing.T) {
	ca := newAuthority(t, authority{})
	text, err := mustState(t, newRing(t), ca.server(t, newKey(t), nil)).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(string(text), statementPrefix))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1 << (i % 8)
		var s Statement
		err := s.UnmarshalText(base64.RawURLEncoding.AppendEncode([]byte(statementPrefix), changed))
		if err == nil {
			_, err = s.Verify(Trust{CAs: []*x509.Certificate{ca.cert}}, "plant-7", now)
		}
		if err == nil {
			t.Fatalf("a bit of byte %d does not count", i)
		}
	}
}

func TestStatementInJSON(t *testing.T) {
	ca := newAuthority(t, authority{})
	s := mustState(t, newRing(t), ca.server(t, newKey(t), nil))
	data, err := json.Marshal(struct{ S *Statement }{s})
	if err != nil {
		t.Fatal(err)
	}
	var back struct{ S *Statement }
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.S.Server() != "server-1" || back.S.Fingerprint() != s.Fingerprint() || back.S.KeyID() != s.KeyID() {
		t.Errorf("%+v", back.S)
	}
	if _, err := back.S.Verify(Trust{CAs: []*x509.Certificate{ca.cert}}, "plant-7", now); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal([]byte(`{"S":"tcsealkey:v1:AAAA"}`), &back); err == nil {
		t.Error("no error")
	}
	if _, err := new(Statement).Verify(Trust{Pins: []Fingerprint{{}}}, "plant-7", now); !errors.Is(err, ErrStatement) {
		t.Errorf("an empty statement: %v", err)
	}
}

func FuzzStatement(f *testing.F) {
	text, err := mustState(f, newRing(f), newAuthority(f, authority{}).server(f, newKey(f), nil)).MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-4])
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Statement
		if s.UnmarshalText(text) != nil {
			return
		}
		if back, err := s.MarshalText(); err != nil || !bytes.Equal(back, text) {
			t.Errorf("%q becomes %q, %v", text, back, err)
		}
		_, _ = s.Verify(Trust{Pins: []Fingerprint{s.Fingerprint()}}, s.environment, now)
	})
}
