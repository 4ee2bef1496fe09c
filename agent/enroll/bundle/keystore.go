package bundle

import (
	"crypto/fips140"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// ErrPassword means that the password does not open the keystore.
var ErrPassword = errors.New("the password does not fit")

// Identity opens the keystore: the client certificate and the certificates of the cloud's own CA.
func Identity(keystore []byte, password string) (cert tls.Certificate, cas []*x509.Certificate, err error) {
	var key any
	var leaf *x509.Certificate
	approved(func() { key, leaf, cas, err = pkcs12.DecodeChain(keystore, password) })
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return tls.Certificate{}, nil, fmt.Errorf("opening keystore: %w", ErrPassword)
	}
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("opening keystore: it is empty, cut off or no PKCS#12 file")
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, cas, nil
}

// Keystore returns a keystore that [Identity] opens.
func Keystore(cert tls.Certificate, cas []*x509.Certificate, password string) (data []byte, err error) {
	approved(func() { data, err = pkcs12.Modern2023.Encode(cert.PrivateKey, cert.Leaf, cas, password) })
	if err != nil {
		return nil, fmt.Errorf("making keystore: %w", err)
	}
	return data, nil
}

// approved runs f where FIPS 140 is enforced: PKCS#12 names a key by the SHA-1 of its certificate,
// which protects nothing. What does protect, AES and PBKDF2 with SHA-256, is approved.
func approved(f func()) { fips140.WithoutEnforcement(f) }

// NewPassword returns a random password for a keystore.
func NewPassword() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
