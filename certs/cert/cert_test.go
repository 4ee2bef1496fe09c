package cert_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"software.sslmate.com/src/go-pkcs12"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/certstest"
)

// pkcs7 is a degenerate .p7b as "openssl crl2pkcs7 -nocrl" makes it.
func pkcs7(t testing.TB, certs ...*x509.Certificate) []byte {
	t.Helper()
	var raw []byte
	for _, c := range certs {
		raw = append(raw, c.Raw...)
	}
	return pkcs7Parts(t, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: raw})
}

// pkcs7Parts has the parts where certificates would be.
func pkcs7Parts(t testing.TB, parts ...asn1.RawValue) []byte {
	t.Helper()
	marshal := func(v any) []byte {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	set := asn1.RawValue{Tag: asn1.TagSet, IsCompound: true}
	inner := marshal(struct {
		Type asn1.ObjectIdentifier
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}})
	content := slices.Concat(marshal(1), marshal(set), inner)
	for _, p := range parts {
		content = append(content, marshal(p)...)
	}
	content = append(content, marshal(set)...)
	return marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{
		Class: asn1.ClassContextSpecific, IsCompound: true,
		Bytes: marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: content}),
	}})
}

func TestParse(t *testing.T) {
	root := certstest.New(t)
	issuing := root.Issue(t)
	leaf := issuing.Issue(t, certstest.Server("a.example"))
	p7 := pkcs7(t, root.Cert, issuing.Cert)
	for name, tt := range map[string]struct {
		data    []byte
		want    int
		skipped int
	}{
		"PEM in any order":        {slices.Concat(leaf.PEM(), issuing.PEM(), root.PEM()), 3, 0},
		"text between":            {slices.Concat([]byte("Bag Attributes\r\n"), root.PEM(), []byte("\nsubject=x\n"), issuing.PEM()), 2, 0},
		"a mark of UTF-8":         {slices.Concat([]byte("\xef\xbb\xbf"), root.PEM()), 1, 0},
		"CRLF":                    {bytes.ReplaceAll(root.PEM(), []byte("\n"), []byte("\r\n")), 1, 0},
		"DER":                     {root.Cert.Raw, 1, 0},
		"DER twice":               {slices.Concat(root.Cert.Raw, issuing.Cert.Raw), 2, 0},
		"PKCS#7":                  {p7, 2, 0},
		"PKCS#7 in PEM":           {pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: p7}), 2, 0},
		"OpenSSL's trusted":       {pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: slices.Concat(root.Cert.Raw, []byte{0x30, 0})}), 1, 0},
		"a request beside":        {slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{1}}), root.PEM()), 1, 1},
		"one damaged":             {slices.Concat([]byte("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), root.PEM()), 1, 1},
		"one cut off":             {slices.Concat(root.PEM(), issuing.PEM()[:300]), 1, 1},
		"one that is no sequence": {slices.Concat(root.PEM(), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), 1, 1},
		"3 MB of PEM":             {bytes.Repeat(root.PEM(), 3<<20/len(root.PEM())), 3 << 20 / len(root.PEM()), 0},
	} {
		t.Run(name, func(t *testing.T) {
			certs, skipped, err := cert.Parse(tt.data)
			if err != nil || len(certs) != tt.want || len(skipped) != tt.skipped {
				t.Errorf("got %d certificates, skipped %v, %v; want %d and %d", len(certs), skipped, err, tt.want, tt.skipped)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	root := certstest.New(t)
	keyPEM := root.KeyPEM(t)
	key, _ := pem.Decode(keyPEM)
	p12, err := pkcs12.Modern2023.Encode(root.Key, root.Cert, nil, "secret")
	if err != nil {
		t.Fatal(err)
	}
	// The name is an UTF8String that is none.
	latin := certstest.New(t, certstest.Named("Gr\u00fc\u00dfe CA")).Cert.Raw
	latin = bytes.ReplaceAll(latin, []byte("\u00fc\u00df"), []byte("\xfc\xfc\xdf\xdf"))
	p7 := pkcs7(t, root.Cert)
	signed, other := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2}, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, tt := range map[string]struct {
		data []byte
		says string
		is   error
	}{
		"a key behind the certificate": {slices.Concat(root.PEM(), keyPEM), "private key", cert.ErrPrivateKey},
		"an encrypted key":             {slices.Concat(root.PEM(), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nxx")), "private key", cert.ErrPrivateKey},
		"a key in DER":                 {key.Bytes, "private key", cert.ErrPrivateKey},
		"nothing":                      {nil, "no certificate", cert.ErrNoCertificate},
		"text":                         {[]byte("<html>404</html>"), "no certificate", cert.ErrNoCertificate},
		"a picture":                    {[]byte("\x89PNG\r\n\x1a\n\x00\x00"), "no certificate", cert.ErrNoCertificate},
		"only damaged PEM":             {root.PEM()[:200], "damaged or cut off", cert.ErrNoCertificate},
		"cut off DER":                  {root.Cert.Raw[:100], "there is no certificate in it that can be read: x509", cert.ErrNoCertificate},
		"a name that is no UTF-8":      {latin, "UTF-8", cert.ErrNoCertificate},
		"10 MB of PEM":                 {bytes.Repeat(root.PEM(), 10<<20/len(root.PEM())), "it is larger than 4 MiB, which no file of certificates is", nil},
		"PKCS#12":                      {p12, "it is a PKCS#12 file (.p12, .pfx), which is for keys\nhint: openssl pkcs12 -in FILE -nokeys -cacerts -out ca.pem", nil},
		"JKS":                          {[]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2}, "it is a Java keystore\nhint: keytool -exportcert -rfc -keystore FILE -alias ALIAS -file ca.pem", nil},
		"PEM that holds something":     {block("CERTIFICATE", []byte("certificate")), "block 1: unreadable certificate: x509", cert.ErrNoCertificate},
		"PKCS#7 cut off":               {block("PKCS7", p7[:len(p7)/2]), "block 1: damaged PKCS#7", cert.ErrNoCertificate},
		"PKCS#7 of another kind":       {block("PKCS7", bytes.Replace(p7, signed, other, 1)), "block 1: damaged PKCS#7", cert.ErrNoCertificate},
		"PKCS#7 with nothing":          {block("PKCS7", pkcs7Parts(t)), "block 1: PKCS#7 without a certificate", cert.ErrNoCertificate},
		"PKCS#7 with something":        {block("PKCS7", bytes.Replace(p7, root.Cert.RawSubject, bytes.Repeat([]byte{0xff}, len(root.Cert.RawSubject)), 1)), "block 1: unreadable certificate in PKCS#7: x509", cert.ErrNoCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			certs, _, err := cert.Parse(tt.data)
			if err == nil || !strings.Contains(err.Error(), tt.says) || len(certs) != 0 {
				t.Fatalf("got %d certificates, %v; want an error with %q", len(certs), err, tt.says)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %v", err, tt.is)
			}
			if len(tt.data) > 100 && strings.Contains(err.Error(), base64.StdEncoding.EncodeToString(key.Bytes)[20:40]) {
				t.Error("the error shows the key")
			}
		})
	}
}

func rsaCA(t *testing.T, bits int, changes ...certstest.Change) *x509.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return certstest.WithKey(t, key, changes...).Cert
}

func TestAssess(t *testing.T) {
	root := certstest.New(t)
	other := certstest.New(t) // of the same subject
	for name, tt := range map[string]struct {
		cert    *x509.Certificate
		kind    cert.Kind
		refused string
		note    string
	}{
		"root":             {root.Cert, cert.Root, "", ""},
		"same subject":     {other.Cert, cert.Root, "", ""},
		"intermediate":     {root.Issue(t).Cert, cert.Intermediate, "", "CN=Private CA"},
		"self-signed leaf": {certstest.New(t, certstest.Server("a.example")).Cert, cert.Single, "", "trusted for itself only"},
		"leaf":             {root.Issue(t, certstest.Server("a.example")).Cert, cert.Leaf, "what must be trusted is its issuer, CN=Private CA", ""},
		"expired":          {certstest.New(t, certstest.Expired).Cert, cert.Root, "expired on", ""},
		"soon expired": {certstest.New(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(10*24*time.Hour + time.Minute) }).Cert,
			cert.Root, "", "expires in 10 days"},
		"not yet valid": {certstest.New(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }).Cert, cert.Root, "", "not valid before"},
		"name constraints": {certstest.New(t, func(c *x509.Certificate) {
			c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{".corp.example"}, true
			c.ExcludedIPRanges = []*net.IPNet{{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(8, 32)}}
		}).Cert, cert.Root, "", "vouches only for some names: .corp.example, not 10.0.0.0/8"},
		"SHA-1":    {decode(t, sha1CA), cert.Root, "", "SHA1-RSA, which does not matter"},
		"v1":       {decode(t, v1CA), cert.Root, "", "version 1"},
		"RSA 1024": {rsaCA(t, 1024), cert.Root, "", "1024 bits, which OpenSSL"},
		"RSA 512":  {decode(t, rsa512CA), cert.Root, "512 bits, which anybody can break", ""},
		"may not issue": {certstest.New(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }).Cert,
			cert.Root, "", "does not allow to issue"},
		"for clients": {certstest.New(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }).Cert,
			cert.Root, "", "not for servers"},
	} {
		t.Run(name, func(t *testing.T) {
			v := cert.Assess(tt.cert, time.Now())
			notes := strings.Join(v.Notes, "\n")
			if v.Kind != tt.kind || !strings.Contains(v.Refused, tt.refused) || (v.Refused != "") != (tt.refused != "") || !strings.Contains(notes, tt.note) {
				t.Errorf("got %s, refused %q, notes %q; want %s, %q, %q", v.Kind, v.Refused, v.Notes, tt.kind, tt.refused, tt.note)
			}
			if tt.note == "" && notes != "" {
				t.Errorf("got notes %q", v.Notes)
			}
		})
	}
}

func TestNamesAreSafeToPrint(t *testing.T) {
	n := pkix.Name{CommonName: "evil\x1b[2J\nCA\xff"}
	if got := cert.Name(n); strings.ContainsAny(got, "\x1b\n") || !utf8.ValidString(got) || !strings.Contains(got, "evil") {
		t.Errorf("got %q", got)
	}
	if got := cert.Name(pkix.Name{}); got != "(no name)" {
		t.Errorf("got %q", got)
	}
}

func decode(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	certs, _, err := cert.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return certs[0]
}

// The property: whatever comes in, what comes out can be judged and printed, and read again from
// its own PEM.
func FuzzParse(f *testing.F) {
	root := certstest.New(f)
	f.Add(root.PEM())
	f.Add(root.Cert.Raw)
	f.Add(pkcs7(f, root.Cert))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: []byte{0x30, 0}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, skipped, err := cert.Parse(data)
		if err != nil && len(certs) > 0 || err == nil && len(certs) == 0 {
			t.Fatalf("%d certificates and %v", len(certs), err)
		}
		for _, s := range skipped {
			_ = s.Error()
		}
		for _, c := range certs {
			_ = cert.Assess(c, time.Now())
			again, _, err := cert.Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
			if err != nil || len(again) != 1 || !bytes.Equal(again[0].Raw, c.Raw) {
				t.Errorf("not the same again: %v", err)
			}
		}
	})
}
