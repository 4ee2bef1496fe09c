package certstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Pair is a certificate with its key.
type Pair struct {
	Cert  *x509.Certificate
	Key   crypto.Signer
	chain []*x509.Certificate // up to the root, without it
}

// Change alters what is about to be signed.
type Change func(*x509.Certificate)

// Named sets the common name.
func Named(name string) Change {
	return func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: name} }
}

// Server makes it a certificate for a server of these names and 127.0.0.1.
func Server(names ...string) Change {
	return func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature
		c.Subject = pkix.Name{CommonName: "server of a test"}
		c.DNSNames, c.IPAddresses = names, []net.IP{net.IPv4(127, 0, 0, 1)}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
}

// Expired makes it end an hour ago.
func Expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = c.NotBefore.Add(-48*time.Hour), time.Now().Add(-time.Hour)
}

// New makes a CA that signs itself, valid for a year.
func New(t testing.TB, changes ...Change) Pair {
	t.Helper()
	return build(t, nil, nil, changes)
}

// WithKey is New with a key of the caller's.
func WithKey(t testing.TB, key crypto.Signer, changes ...Change) Pair {
	t.Helper()
	return build(t, nil, key, changes)
}

// Issue makes an intermediate CA, or with Server a server's certificate.
func (p Pair) Issue(t testing.TB, changes ...Change) Pair {
	t.Helper()
	return build(t, &p, nil, changes)
}

func build(t testing.TB, issuer *Pair, key crypto.Signer, changes []Change) Pair {
	t.Helper()
	var err error
	if key == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Private CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
	}
	if issuer != nil {
		c.Subject = pkix.Name{CommonName: "Private Issuing CA"}
	}
	for _, change := range changes {
		change(c)
	}
	parent, signer := c, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	p := Pair{Key: key}
	if p.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if issuer != nil {
		p.chain = append([]*x509.Certificate{p.Cert}, issuer.chain...)
	}
	return p
}

// TLS is the certificate with its chain, as a server has it.
func (p Pair) TLS() tls.Certificate {
	c := tls.Certificate{PrivateKey: p.Key, Leaf: p.Cert}
	for _, link := range p.chain {
		c.Certificate = append(c.Certificate, link.Raw)
	}
	if len(p.chain) == 0 {
		c.Certificate = [][]byte{p.Cert.Raw}
	}
	return c
}

// PEM is the certificate alone.
func (p Pair) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Cert.Raw})
}

// KeyPEM is the private key.
func (p Pair) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// File writes data as dir/name, making dir, and returns the path.
func File(t testing.TB, dir, name string, data ...[]byte) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, d := range data {
		all = append(all, d...)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, all, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
