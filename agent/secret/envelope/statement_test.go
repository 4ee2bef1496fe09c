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
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
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
	broken := usual
	broken.Certificate = [][]byte{usual.Certificate[0], []byte("x")}
	with := func(change func(*x509.Certificate)) tls.Certificate { return ca.server(t, newKey(t), change) }

	for name, tt := range map[string]struct {
		identity    tls.Certificate
		trust       Trust
		environment string
		after       time.Duration
		want        error
		says        string
	}{
		"by the CA":           {usual, Trust{CAs: root}, "plant-7", 0, nil, ""},
		"by a pin":            {usual, Trust{Pins: own}, "plant-7", 0, nil, ""},
		"by both":             {usual, Trust{CAs: root, Pins: own}, "plant-7", 0, nil, ""},
		"by a chain":          {chained, Trust{CAs: root}, "plant-7", 0, nil, ""},
		"a clock ahead":       {usual, Trust{CAs: root}, "plant-7", -5 * time.Minute, nil, ""},
		"on its last day":     {usual, Trust{CAs: root}, "plant-7", StatementLife, nil, ""},
		"a chain of garbage":  {broken, Trust{CAs: root}, "plant-7", 0, ErrUntrusted, "reading its chain"},
		"nothing trusted":     {usual, Trust{}, "plant-7", 0, ErrUntrusted, "nothing is trusted; give the CA, or the fingerprint that the server shows"},
		"another CA":          {usual, Trust{CAs: []*x509.Certificate{other.cert}}, "plant-7", 0, ErrUntrusted, ""},
		"the cloud's own key": {usual, Trust{CAs: root, Pins: foreign}, "plant-7", 0, ErrUnpinned, "compare it with what the server shows"},
		"a pin, not the CA's": {usual, Trust{CAs: []*x509.Certificate{other.cert}, Pins: own}, "plant-7", 0, ErrUntrusted, ""},
		"another Environment": {usual, Trust{CAs: root}, "plant-8", 0, ErrStatement, "the server says it is of \"plant-7\", want \"plant-8\""},
		"from the future":     {usual, Trust{CAs: root}, "plant-7", -5*time.Minute - time.Second, ErrStale, "compare the clocks, or have the server connect"},
		"too old":             {usual, Trust{CAs: root}, "plant-7", StatementLife + time.Second, ErrStale, "and it is believed for 30 days"},
		"old, pinned":         {usual, Trust{Pins: own}, "plant-7", StatementLife + time.Second, ErrStale, ""},
		"another server's": {with(func(c *x509.Certificate) { c.Subject.CommonName = "server-2" }),
			Trust{CAs: root}, "plant-7", 0, ErrUntrusted, "the certificate is not a server's of this xid, but that of \"server-2\""},
		"a web server's": {with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
			Trust{CAs: root}, "plant-7", 0, ErrUntrusted, ""},
		"a CA's": {with(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }),
			Trust{CAs: root}, "plant-7", 0, ErrUntrusted, "the certificate is not a server's of this xid"},
		"an expired certificate": {with(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.Add(-time.Hour), now.Add(time.Minute) }),
			Trust{CAs: root}, "plant-7", time.Hour, ErrUntrusted, ""},
	} {
		key, err := mustState(t, r, tt.identity).Verify(tt.trust, tt.environment, now.Add(tt.after))
		if !errors.Is(err, tt.want) || (err == nil) != (key.Fingerprint() == own[0]) || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v: %s", name, err, tt.want, tt.says)
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
	for name, tt := range map[string]struct {
		server      wire.ServerXID
		environment string
		identity    tls.Certificate
		now         time.Time
		want        string
	}{
		"no certificate":      {"server-1", "plant-7", tls.Certificate{PrivateKey: good.PrivateKey}, now, "the client certificate is missing, or its key cannot sign"},
		"no key":              {"server-1", "plant-7", tls.Certificate{Certificate: good.Certificate}, now, "or its key cannot sign"},
		"another's key":       {"server-1", "plant-7", tls.Certificate{Certificate: good.Certificate, PrivateKey: newKey(t)}, now, "the signature is not by the key of the server's certificate"},
		"no real certificate": {"server-1", "plant-7", tls.Certificate{Certificate: [][]byte{[]byte("x")}, PrivateKey: good.PrivateKey}, now, "reading the server's certificate"},
		"no xid":              {"a b", "plant-7", good, now, `the server's xid "a b" is none`},
		"no Environment":      {"server-1", "", good, now, "the Environment's name has 0 bytes"},
		"no clock":            {"server-1", "plant-7", good, time.Unix(0, 0), "it was made before 1970"},
	} {
		if _, err := State(r, tt.server, tt.environment, tt.identity, tt.now); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// TestHostileStatements: what anybody can send in place of a statement.
func TestHostileStatements(t *testing.T) {
	ca := newAuthority(t, authority{})
	good := mustState(t, newRing(t), ca.server(t, newKey(t), nil))
	leaf := good.chain[0]
	// unknown is a certificate for a key of a kind that nobody knows.
	unknown := bytes.Replace(leaf, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1}, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 9}, 1)
	// written is the statement as somebody writes it who checks nothing.
	written := func(change func(*Statement)) string {
		s := *good
		change(&s)
		b := append(s.head(nil), byte(len(s.chain)))
		for _, c := range s.chain {
			b = appendText(b, c)
		}
		return statementPrefix + base64.RawURLEncoding.EncodeToString(appendText(b, s.signature))
	}
	text := written(func(*Statement) {})
	half := func(n int) string { return text[:len(statementPrefix)+n] }
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":              {"", `it does not begin with "tcsealkey:v1:"`},
		"a later version":      {strings.Replace(text, "v1", "v2", 1), "it does not begin with"},
		"endless":              {text + strings.Repeat("A", 1<<20), "bytes, at most"},
		"no base64":            {text + "=", "illegal base64"},
		"cut off in the names": {half(8), "it is cut off, or something follows it"},
		"cut off in the key":   {half(400), "it is cut off"},
		"cut off in the chain": {half(1800), "it is cut off"},
		"cut off at the end":   {half((len(text)-len(statementPrefix))/4*4 - 4), "it is cut off"},
		"something behind it":  {text + "AAAA", "something follows it"},
		"with line ends":       {text[:40] + "\n" + text[40:], "it is not as it would be written"},
		"no xid":               {written(func(s *Statement) { s.server = "a b" }), "is none"},
		"no Environment":       {written(func(s *Statement) { s.environment = "" }), "the Environment's name has 0 bytes"},
		"no UTF-8":             {written(func(s *Statement) { s.environment = "\xff" }), "want 1–1024 of UTF-8"},
		"no time":              {written(func(s *Statement) { s.made = -1 }), "it was made before 1970"},
		"no certificate":       {written(func(s *Statement) { s.chain = nil }), "0 certificates, want 1–4"},
		"many certificates":    {written(func(s *Statement) { s.chain = slices.Repeat(s.chain, 5) }), "5 certificates, want 1–4"},
		"an empty certificate": {written(func(s *Statement) { s.chain = [][]byte{leaf, nil} }), "a certificate of 0 bytes, want 1–"},
		"no signature":         {written(func(s *Statement) { s.signature = nil }), "a signature of 0 bytes"},
		"garbage in its place": {written(func(s *Statement) { s.chain = [][]byte{[]byte("x")} }), "reading the server's certificate"},
		"a key that signs nothing": {written(func(s *Statement) { s.chain = [][]byte{unknown} }),
			"the key of the server's certificate is not of ECDSA, RSA or Ed25519"},
		"another's certificate": {written(func(s *Statement) { s.chain = ca.server(t, newKey(t), nil).Certificate }),
			"the signature is not by the key of the server's certificate"},
	} {
		var s Statement
		err := s.UnmarshalText([]byte(tt.text))
		if err == nil {
			_, err = s.Verify(Trust{CAs: []*x509.Certificate{ca.cert}}, "plant-7", now)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
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
