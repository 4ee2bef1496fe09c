package cert

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"tcenvsvr/agent/logging/plain"
)

// Kind is the kind of a certificate.
type Kind string

// The kinds.
const (
	Root         Kind = "root CA"
	Intermediate Kind = "intermediate CA"
	Single       Kind = "self-signed certificate" // of one server
	Leaf         Kind = "server certificate"
)

// Ahead is how long before it expires a certificate causes a warning.
const Ahead = 30 * 24 * time.Hour

// Verdict says whether a certificate can be trusted as a CA.
type Verdict struct {
	Cert    *x509.Certificate
	Kind    Kind
	Refused string   // why not; "" = it can be trusted
	Notes   []string // what to know about one that can be trusted
}

// Assess decides whether one certificate can be trusted as a CA. It refuses certificates that would
// be useless, but not ones that are merely old, because an enterprise cannot replace its CA of
// 2009.
func Assess(c *x509.Certificate, now time.Time) Verdict {
	v := Verdict{Cert: c, Kind: kindOf(c)}
	switch {
	case v.Kind == Leaf:
		v.Refused = fmt.Sprintf("it is the certificate of a server (%s), not of a CA: what must be trusted is its issuer, %s", names(c), Name(c.Issuer))
	case now.After(c.NotAfter):
		v.Refused = "it expired on " + c.NotAfter.UTC().Format(time.DateOnly)
	case tooShort(c):
		v.Refused = fmt.Sprintf("its RSA key has %d bits, which anybody can break", bits(c))
	default:
		v.Notes = notes(c, v.Kind, now)
	}
	return v
}

func kindOf(c *x509.Certificate) Kind {
	own := SelfSigned(c)
	// A certificate of version 1 cannot say that it is a CA, and old roots have that version.
	isCA := c.BasicConstraintsValid && c.IsCA || c.Version < 3 && own
	switch {
	case isCA && own:
		return Root
	case isCA:
		return Intermediate
	case own:
		return Single
	}
	return Leaf
}

func notes(c *x509.Certificate, kind Kind, now time.Time) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	switch left := c.NotAfter.Sub(now); {
	case now.Before(c.NotBefore):
		note("not valid before %s", c.NotBefore.UTC().Format(time.DateOnly))
	case left < Ahead:
		note("expires in %d days", int(left.Hours()/24))
	}
	switch kind {
	case Single:
		note("it is trusted for itself only; when the server gets a new certificate, that must be added")
	case Intermediate:
		note("Java takes it alone; Python and curl need its issuer as well: %s", Name(c.Issuer))
	}
	if c.Version < 3 {
		note("it is of version %d, which some clients refuse", c.Version)
	}
	if bits(c) != 0 && bits(c) < 2048 {
		note("its RSA key has %d bits, which OpenSSL (Python, curl) refuses in its default configuration", bits(c))
	}
	if weak(c.SignatureAlgorithm) && kind == Intermediate {
		note("it is signed with %s, which most clients refuse: add its issuer", c.SignatureAlgorithm)
	} else if weak(c.SignatureAlgorithm) {
		note("it is signed with %s, which does not matter for a certificate that is trusted by itself", c.SignatureAlgorithm)
	}
	if kind != Single && c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		note("its key usage does not allow to issue certificates: most clients refuse what it issued")
	}
	if len(c.ExtKeyUsage) > 0 && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
		note("it is not for servers")
	}
	if limits := constraints(c); limits != "" {
		note("it vouches only for some names: %s", limits)
	}
	return notes
}

// constraints describes the name constraints of a CA.
func constraints(c *x509.Certificate) string {
	var parts []string
	add := func(what string, list []string) {
		if len(list) > 0 {
			parts = append(parts, what+plain.Name(strings.Join(list, ", ")))
		}
	}

	var ips, notIPs []string
	for _, n := range c.PermittedIPRanges {
		ips = append(ips, n.String())
	}
	for _, n := range c.ExcludedIPRanges {
		notIPs = append(notIPs, n.String())
	}
	add("", c.PermittedDNSDomains)
	add("", ips)
	add("not ", c.ExcludedDNSDomains)
	add("not ", notIPs)
	return strings.Join(parts, ", ")
}

func bits(c *x509.Certificate) int {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok {
		return key.N.BitLen()
	}
	return 0
}

// tooShort reports whether the key is so short that no library here accepts it.
func tooShort(c *x509.Certificate) bool { return bits(c) != 0 && bits(c) < 1024 }

func weak(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

// names lists the hosts that a server's certificate is for.
func names(c *x509.Certificate) string {
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return Name(c.Subject)
	}
	if len(list) > 3 {
		list = append(list[:3], "…")
	}
	return plain.Name(strings.Join(list, ", "))
}

// IssuedBy reports whether a could have issued c: the names fit, and the key's identifiers where
// both have one.
func IssuedBy(c, a *x509.Certificate) bool {
	if !bytes.Equal(c.RawIssuer, a.RawSubject) {
		return false
	}
	return len(c.AuthorityKeyId) == 0 || len(a.SubjectKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, a.SubjectKeyId)
}
