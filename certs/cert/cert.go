package cert

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"

	"tcenvsvr/agent/logging/plain"
)

// Fingerprint is the SHA-256 of a certificate in lower-case hex.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Short is the part of a fingerprint that people compare.
func Short(c *x509.Certificate) string { return Fingerprint(c)[:16] }

// Name returns a name that may be printed whatever the certificate holds; see [plain.Name].
func Name(n pkix.Name) string {
	text := n.String()
	if text == "" {
		return "(no name)"
	}
	return plain.Name(text)
}

// SelfSigned reports whether a certificate is its own issuer. A signature whose algorithm is too
// weak to be verified counts as verified, because a certificate that is trusted by its fingerprint
// needs no signature.
func SelfSigned(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm) || tooShort(c)
}
