package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

func brokerTLS(ctx context.Context, t *target) outcome {
	return t.brokerHandshake(ctx, wire.ALPN)
}

func (t *target) brokerHandshake(ctx context.Context, alpn string) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	return t.eachBroker(func(addr string) outcome { return t.handshake(ctx, addr, []string{alpn}) })
}

func apiTLS(ctx context.Context, t *target) outcome {
	u, err := url.Parse(t.settings.APIURL)
	if err != nil || u.Hostname() == "" {
		return skip("apiURL is empty")
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return t.handshake(ctx, net.JoinHostPort(u.Hostname(), port), []string{"http/1.1"})
}

// handshake makes a TLS handshake and names the issuer of the certificate that the server sent.
func (t *target) handshake(ctx context.Context, address string, alpn []string) outcome {
	if s := t.notReachable(); s != nil {
		return *s
	}
	ctx, cancel := context.WithTimeout(ctx, hopTimeout)
	defer cancel()
	raw, err := t.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return skip("there is no connection to %s", address)
	}
	defer raw.Close()
	host, _, _ := net.SplitHostPort(address)
	c := tls.Client(raw, &tls.Config{RootCAs: t.roots, ServerName: host, NextProtos: alpn, MinVersion: tls.VersionTLS12, Certificates: t.certificates()})
	if err := c.HandshakeContext(ctx); err != nil {
		f := fault.Handshake(err)
		if bad, isBad := errors.AsType[*tls.CertificateVerificationError](err); isBad && len(bad.UnverifiedCertificates) > 0 {
			return fail(f.Hint, "%s; %s came, issued by %q", f, names(bad.UnverifiedCertificates[0]), last(bad.UnverifiedCertificates).Issuer)
		}
		return fail(f.Hint, "%s", f)
	}
	return t.checkChain(c.ConnectionState())
}

// checkChain tells the cloud's own certificate from one that a proxy in between has made. Such a
// one is good as well, if its CA is trusted, but an administrator should know of it.
func (t *target) checkChain(s tls.ConnectionState) outcome {
	chain := s.VerifiedChains[0]
	root := last(chain)
	text := fmt.Sprintf("%s, %s, issued by %q, until %s", tls.VersionName(s.Version), names(chain[0]), root.Subject, chain[0].NotAfter.Format(time.DateOnly))
	if time.Until(chain[0].NotAfter) < soon {
		return warn("tell the cloud's administrators that it expires soon", "%s", text)
	}
	for _, ca := range t.cloudCAs() {
		if ca.Equal(root) {
			return ok("%s, the cloud's own CA", text)
		}
	}
	if len(t.cloudCAs()) > 0 && t.private(root) {
		return warn("a proxy that inspects TLS makes certificates of its own; if it does harm, have it exempt the cloud's names",
			"%s: not the cloud's CA but a private one of this network", text)
	}
	return ok("%s", text)
}

// private reports whether a root is one that administrators have added on this host.
func (t *target) private(root *x509.Certificate) bool {
	if t.merged == nil {
		return false
	}
	for _, r := range t.merged.Roots {
		if r.Cert.Equal(root) {
			return r.Private
		}
	}
	return false
}

func last(chain []*x509.Certificate) *x509.Certificate { return chain[len(chain)-1] }

func names(c *x509.Certificate) string {
	if len(c.DNSNames) > 0 {
		return strings.Join(c.DNSNames, ", ")
	}
	return c.Subject.String()
}
