package check

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
)

// explain says, in words for an administrator, why a chain is not trusted.
func explain(chain []*x509.Certificate, err error, h *certs.Merged) (problem, try string) {
	leaf := chain[0]
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the server's certificate is for %s, not for %q", namesOf(leaf), name.Host),
			"use a name that is in the certificate, or have the server's certificate renewed with this one"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return explainInvalid(invalid)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return explainUnknown(chain, h)
	}
	return "the server's certificate is not acceptable: " + plain.Name(err.Error()), "ask the server's administrators"
}

func explainInvalid(e x509.CertificateInvalidError) (problem, try string) {
	name := "the server's certificate"
	if e.Cert != nil {
		name = fmt.Sprintf("the certificate %s", cert.Name(e.Cert.Subject))
	}
	switch e.Reason {
	case x509.Expired:
		if e.Cert != nil && time.Now().Before(e.Cert.NotBefore) {
			return fmt.Sprintf("%s is not valid before %s", name, day(e.Cert.NotBefore)), "set this host's clock, or wait"
		}
		if e.Cert != nil {
			return fmt.Sprintf("%s expired on %s", name, day(e.Cert.NotAfter)), "have it renewed, or set this host's clock"
		}
	case x509.CANotAuthorizedForThisName, x509.UnconstrainedName:
		return name + " vouches only for some names, and this server's is not among them: " + plain.Name(e.Detail), "the CA's administrators must issue the certificate by another CA"
	case x509.NotAuthorizedToSign:
		return name + " is not a CA, yet it issued another certificate of the chain", "the server's administrators must correct its chain"
	}
	return name + " is not acceptable: " + plain.Name(e.Error()), "ask the server's administrators"
}

// explainUnknown follows the chain from the server upwards until it finds no trusted issuer.
func explainUnknown(chain []*x509.Certificate, h *certs.Merged) (problem, try string) {
	top := chain[0]
	for range chain { // a chain may be a circle
		next := issuer(top, chain)
		if next == nil {
			break
		}
		top = next
	}
	for _, r := range h.Left {
		if cert.IssuedBy(top, r.Cert) || r.Cert.Equal(top) {
			return fmt.Sprintf("its CA %s is known here and not trusted: %s", cert.Name(r.Cert.Subject), r.Refused), "get the CA's current certificate from its administrators"
		}
	}
	for _, r := range h.Roots {
		if bytes.Equal(r.Cert.RawSubject, top.RawIssuer) && !r.Cert.Equal(top) {
			return fmt.Sprintf("a trusted CA has the name of the issuer, %s, but another key (%s)", cert.Name(top.Issuer), cert.Short(r.Cert)),
				"the CA was renewed or somebody else calls himself so: get its current certificate from its administrators and compare fingerprints"
		}
	}
	switch {
	case top == chain[0] && cert.SelfSigned(top):
		return fmt.Sprintf("the server shows a self-signed certificate, %s, that is not trusted here", cert.Name(top.Subject)),
			"get it from the server's administrators, compare the fingerprint " + cert.Fingerprint(top) + ", and add it: tcenvsvr certs add FILE"
	case cert.SelfSigned(top):
		return fmt.Sprintf("the root CA %s is not trusted here", cert.Name(top.Subject)),
			"get it from its administrators, compare the fingerprint " + cert.Fingerprint(top) + ", and add it: tcenvsvr certs add FILE"
	case top == chain[0] && len(chain) == 1:
		return fmt.Sprintf("the server sends its own certificate only, and its issuer %s is not trusted here", cert.Name(top.Issuer)) + whereIssuer(top),
			"add the CA " + cert.Name(top.Issuer) + "; if it is an intermediate, the server's administrators should have the server send it, and its root be added"
	}
	return fmt.Sprintf("the server's chain ends at %s, whose issuer %s is neither sent nor trusted here", cert.Name(top.Subject), cert.Name(top.Issuer)) + whereIssuer(top),
		"add the CA " + cert.Name(top.Issuer) + ": tcenvsvr certs add FILE"
}

// issuer returns the certificate of the chain that issued c, nil if it is not there or is c itself.
func issuer(c *x509.Certificate, chain []*x509.Certificate) *x509.Certificate {
	for _, a := range chain {
		if !a.Equal(c) && cert.IssuedBy(c, a) && c.CheckSignatureFrom(a) == nil {
			return a
		}
	}
	return nil
}

// whereIssuer returns the URLs at which a certificate says its issuer can be found. They are not
// fetched: the certificate is not trusted.
func whereIssuer(c *x509.Certificate) string {
	if len(c.IssuingCertificateURL) == 0 {
		return ""
	}
	return " (the certificate names " + plain.Name(strings.Join(c.IssuingCertificateURL, ", ")) + ")"
}

func namesOf(c *x509.Certificate) string {
	list := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "no host at all"
	}
	return plain.Name(strings.Join(list, ", "))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
