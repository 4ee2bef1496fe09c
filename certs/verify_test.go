package certs_test

import (
	"crypto/x509"
	"testing"

	"tcenvsvr/certs"
	"tcenvsvr/certs/certstest"
)

// verified verifies a server's chain as our own connections do.
func verified(t *testing.T, s *certs.Store, server certstest.Pair) error {
	t.Helper()
	pool, err := s.Pool()
	if err != nil {
		t.Fatal(err)
	}
	between := x509.NewCertPool()
	for _, raw := range server.TLS().Certificate[1:] {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		between.AddCert(c)
	}
	_, err = server.Cert.Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, DNSName: "a.example"})
	return err
}
