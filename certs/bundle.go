package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
)

// Fingerprint is the SHA-256 of a certificate in lower-case hex.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// ParsePEM returns the certificates of a PEM text in their order. Other
// blocks and what cannot be parsed are skipped and counted: one odd
// certificate among a host's roots must not take the others away.
func ParsePEM(text []byte) (certs []*x509.Certificate, skipped int) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return certs, skipped
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			skipped++
			continue
		}
		certs = append(certs, c)
	}
}

// Merge puts sets one after the other and drops repetitions.
func Merge(sets ...[]*x509.Certificate) []*x509.Certificate {
	seen := map[string]bool{}
	var all []*x509.Certificate
	for _, set := range sets {
		for _, c := range set {
			if f := Fingerprint(c); !seen[f] {
				seen[f] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// encodePEM writes each certificate under its subject, for people.
func encodePEM(certs []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		fmt.Fprintf(&b, "# %q\n", c.Subject.String())
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a Buffer does not fail
	}
	return b.Bytes()
}
