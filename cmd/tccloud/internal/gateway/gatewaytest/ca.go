package gatewaytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// CA is a certificate authority and the server certificate it made.
type CA struct {
	Pool   *x509.CertPool
	Server tls.Certificate
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

// NewCA makes a CA and a server certificate for 127.0.0.1.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{Pool: x509.NewCertPool()}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if ca.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, ca.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	ca.Pool.AddCert(ca.cert)
	ca.Server = ca.Issue(t, "cloud", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	})
	return ca
}

// Issue makes a client certificate, or what change makes of it.
func (ca *CA) Issue(t testing.TB, name string, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, f := range change {
		f(tmpl)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Save writes the CA and its server certificate, so that another process can Load it.
func (ca *CA) Save(file string) error {
	keys := make([][]byte, 2)
	for i, k := range []any{ca.key, ca.Server.PrivateKey} {
		var err error
		if keys[i], err = x509.MarshalPKCS8PrivateKey(k); err != nil {
			return err
		}
	}
	data, err := json.Marshal([][]byte{ca.cert.Raw, keys[0], ca.Server.Certificate[0], keys[1]})
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// LoadCA reads what Save wrote.
func LoadCA(file string) (*CA, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var parts [4][]byte
	if err := json.Unmarshal(data, &parts); err != nil {
		return nil, err
	}
	ca := &CA{Pool: x509.NewCertPool(), Server: tls.Certificate{Certificate: [][]byte{parts[2]}}}
	if ca.cert, err = x509.ParseCertificate(parts[0]); err != nil {
		return nil, err
	}
	ca.Pool.AddCert(ca.cert)
	key, err := x509.ParsePKCS8PrivateKey(parts[1])
	if err != nil {
		return nil, err
	}
	ca.key = key.(*ecdsa.PrivateKey)
	ca.Server.PrivateKey, err = x509.ParsePKCS8PrivateKey(parts[3])
	return ca, err
}

// Raw is the CA's certificate in DER.
func (ca *CA) Raw() []byte { return ca.cert.Raw }
