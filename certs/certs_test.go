package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// newCA makes a CA; all have the same subject, which must not make them one.
func newCA(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Private CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBuild(t *testing.T) {
	system, err := System()
	if err != nil {
		t.Skipf("this host has no file of roots: %v", err)
	}
	a, b := newCA(t, 1), newCA(t, 2)
	dir := filepath.Join(t.TempDir(), "trust")
	store, err := Build(dir, []*x509.Certificate{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, pemFile))
	if err != nil {
		t.Fatal(err)
	}
	want := len(Merge(system)) + 2
	got, skipped := ParsePEM(text)
	if len(got) != want || skipped != 0 {
		t.Errorf("%d CAs and %d unreadable in PEM; want %d", len(got), skipped, want)
	}
	p12, err := os.ReadFile(filepath.Join(dir, p12File))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pkcs12.DecodeTrustStore(p12, ""); err != nil || len(got) != want {
		t.Errorf("%d CAs in PKCS#12, %v; want %d", len(got), err, want)
	}
	for _, name := range []string{pemFile, p12File} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: mode %v, %v; want 0644", name, info.Mode(), err)
		}
	}
	if env := strings.Join(store.Env(), " "); !strings.Contains(env, "REQUESTS_CA_BUNDLE="+dir) {
		t.Errorf("environment %q", env)
	}
}

func FuzzParsePEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("key")}))
	f.Fuzz(func(_ *testing.T, text []byte) { ParsePEM(text) })
}
