package test

import (
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

// privateCA makes a CA that only this test knows.
func privateCA(t *testing.T) tls.Certificate {
	t.Helper()
	return certificate(t, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Private CA of a test"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	})
}

// ownCA reads the CA that a cloud made for itself.
func (s *scene) ownCA() tls.Certificate {
	s.t.Helper()
	file := filepath.Join(s.Dir, "cloud", "pki", "ca.pem")
	ca, err := tls.LoadX509KeyPair(file, file)
	s.must(err, "reading the cloud's CA")
	return ca
}

// serverCertificate is for servers of these names and of 127.0.0.1.
func serverCertificate(t *testing.T, ca tls.Certificate, names ...string) tls.Certificate {
	t.Helper()
	return certificate(t, &ca, &x509.Certificate{
		Subject: pkix.Name{CommonName: "server of a test"}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

func certificate(t *testing.T, issuer *tls.Certificate, c *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	c.NotBefore, c.NotAfter, c.BasicConstraintsValid = time.Now().Add(-time.Hour), time.Now().Add(time.Hour), true
	parent, signer := c, any(key)
	if issuer != nil {
		parent, signer = issuer.Leaf, issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// given writes a certificate with its chain and its key, as the flags of a cloud name them.
func (s *scene) given(name string, cert tls.Certificate, chain ...tls.Certificate) []string {
	s.t.Helper()
	var text []byte
	for _, c := range append([]tls.Certificate{cert}, chain...) {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	s.must(err, "writing a key")
	certFile, keyFile := filepath.Join(s.Dir, name+".pem"), filepath.Join(s.Dir, name+".key")
	s.must(os.WriteFile(certFile, text, 0o600), "writing a certificate")
	s.must(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600), "writing a key")
	return []string{"--cert", certFile, "--key", keyFile}
}
