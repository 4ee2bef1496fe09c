package keystore

import (
	"bytes"
	"crypto/fips140"
	"crypto/x509"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/certs/cert"
)

// Password is the usual password of trust stores. It protects nothing: their content is public.
const Password = "changeit"

// Decode reads the trusted certificates of a JKS or PKCS#12 file. skipped counts those of a JKS
// that cannot be read: one odd root must not make the others unusable.
func Decode(data []byte) (certs []*x509.Certificate, skipped int, err error) {
	if bytes.HasPrefix(data, magic) {
		return decodeJKS(data)
	}
	for _, password := range []string{"", Password} {
		fips140.WithoutEnforcement(func() { certs, err = pkcs12.DecodeTrustStore(data, password) })
		if err == nil {
			return certs, 0, nil
		}
	}
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return nil, 0, fmt.Errorf("its password is not %q", Password)
	}
	return nil, 0, err
}

// PKCS12 returns a trust store in PKCS#12 format without a password.
func PKCS12(certs []*x509.Certificate) ([]byte, error) {
	entries := make([]pkcs12.TrustStoreEntry, len(certs))
	for i, c := range certs {
		entries[i] = pkcs12.TrustStoreEntry{Cert: c, FriendlyName: cert.Fingerprint(c)}
	}
	return pkcs12.Passwordless.EncodeTrustStoreEntries(entries, "")
}
