package cert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"

	"tcenvsvr/agent/logging/plain"
)

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

// parsePKCS7 returns the certificates of a .p7b in DER. Its signatures do not matter: the person
// who adds a file decides whether to trust it.
func parsePKCS7(der []byte) ([]*x509.Certificate, error) {
	bad := errors.New("damaged PKCS#7")
	var info contentInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || !info.Type.Equal(oidSignedData) {
		return nil, bad
	}
	// The parts after the certificates (CRLs, signers) vary and do not matter, so the sequence is
	// parsed by hand.
	var seq asn1.RawValue
	if _, err := asn1.Unmarshal(info.Content.Bytes, &seq); err != nil {
		return nil, bad
	}
	for rest := seq.Bytes; len(rest) > 0; {
		var part asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &part); err != nil {
			return nil, bad
		}
		if part.Class == asn1.ClassContextSpecific && part.Tag == 0 {
			certs, err := x509.ParseCertificates(part.Bytes)
			if err != nil {
				return nil, errors.New("unreadable certificate in PKCS#7: " + plain.Line(err.Error()))
			}
			return certs, nil
		}
	}
	return nil, errors.New("PKCS#7 without a certificate")
}

// isKey reports whether der is a private key. It does not keep the decoded key.
func isKey(der []byte) bool {
	if len(der) == 0 || der[0] != 0x30 || len(der) > 64<<10 {
		return false
	}
	for _, parse := range []func([]byte) error{
		func(b []byte) error { _, err := x509.ParsePKCS8PrivateKey(b); return err },
		func(b []byte) error { _, err := x509.ParsePKCS1PrivateKey(b); return err },
		func(b []byte) error { _, err := x509.ParseECPrivateKey(b); return err },
	} {
		if parse(der) == nil {
			return true
		}
	}
	return false
}

// isPKCS12 reports whether der is a PFX: version 3, then a PKCS#7 of type data or signed data.
func isPKCS12(der []byte) bool {
	var pfx struct {
		Version int
		Safe    contentInfo
		Mac     asn1.RawValue `asn1:"optional"`
	}
	_, err := asn1.Unmarshal(der, &pfx)
	return err == nil && pfx.Version == 3 && (pfx.Safe.Type.Equal(oidData) || pfx.Safe.Type.Equal(oidSignedData))
}

// isKeystore reports whether data is a JKS or JCEKS file.
func isKeystore(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}) || bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce})
}
