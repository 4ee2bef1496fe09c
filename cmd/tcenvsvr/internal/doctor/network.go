package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	hostclock "tcenvsvr/agent/host/clock"
	"tcenvsvr/agent/link"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// step of the network, each bounded.
const hop = 10 * time.Second

func dns(ctx context.Context, p *patient) said {
	if s := p.enrolled(); s != nil {
		return *s
	}
	if p.settings.ProxyTC {
		return ok("the proxy looks up the cloud's names")
	}
	ctx, cancel := context.WithTimeout(ctx, hop)
	defer cancel()
	var found []string
	for _, host := range p.hosts() {
		addresses, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return fail("check /etc/resolv.conf, brokerHost and apiURL; behind a proxy set proxyHost and proxyTC", "%q: %v", host, err)
		}
		found = append(found, fmt.Sprintf("%s is %s", host, strings.Join(addresses, ", ")))
	}
	return ok("%s", strings.Join(found, "; "))
}

// hosts are the cloud's, without repetition.
func (p *patient) hosts() []string {
	host, _, _ := net.SplitHostPort(p.settings.BrokerAddr())
	hosts := []string{host}
	if u, err := url.Parse(p.settings.APIURL); err == nil && u.Hostname() != host {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// brokerTCP opens a connection, through the proxy where there is one: that
// answers for the proxy's name, port and password as well.
func brokerTCP(ctx context.Context, p *patient) said {
	if s := p.unreachable(); s != nil {
		return *s
	}
	ctx, cancel := context.WithTimeout(ctx, hop)
	defer cancel()
	c, err := p.dialer.DialContext(ctx, "tcp", p.settings.BrokerAddr())
	if err != nil {
		f := fault.Dialing(err)
		return fail(f.Hint, "%s %s", f, p.via())
	}
	_ = c.Close()
	return ok("%s answers %s", p.settings.BrokerAddr(), p.via())
}

// unreachable is a reason not to try, nil where there is none.
func (p *patient) unreachable() *said {
	if s := p.enrolled(); s != nil {
		return s
	}
	if p.settings.ProxyTC && p.settings.ProxyPassword.Sealed() {
		s := skip("the proxy's password is sealed")
		return &s
	}
	if p.dialerErr != nil {
		s := fail("check the proxy settings", "%s", oneLine(p.dialerErr))
		return &s
	}
	return nil
}

func (p *patient) via() string {
	if name := p.dialer.String(); name != "" {
		return "through proxy " + name
	}
	return "directly"
}

func brokerTLS(ctx context.Context, p *patient) said {
	return p.handshake(ctx, p.settings.BrokerAddr(), []string{wire.ALPN})
}

func apiTLS(ctx context.Context, p *patient) said {
	u, err := url.Parse(p.settings.APIURL)
	if err != nil || u.Hostname() == "" {
		return skip("apiURL is empty")
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return p.handshake(ctx, net.JoinHostPort(u.Hostname(), port), []string{"http/1.1"})
}

// handshake makes a TLS handshake and names who issued the certificate that came.
func (p *patient) handshake(ctx context.Context, address string, alpn []string) said {
	if s := p.unreachable(); s != nil {
		return *s
	}
	ctx, cancel := context.WithTimeout(ctx, hop)
	defer cancel()
	raw, err := p.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return skip("there is no connection to %s", address)
	}
	defer raw.Close()
	host, _, _ := net.SplitHostPort(address)
	c := tls.Client(raw, &tls.Config{RootCAs: p.roots, ServerName: host, NextProtos: alpn, MinVersion: tls.VersionTLS12, Certificates: p.certificates()})
	if err := c.HandshakeContext(ctx); err != nil {
		f := fault.Handshake(err)
		if bad, isBad := errors.AsType[*tls.CertificateVerificationError](err); isBad && len(bad.UnverifiedCertificates) > 0 {
			return fail(f.Hint, "%s; %s came, issued by %q", f, names(bad.UnverifiedCertificates[0]), last(bad.UnverifiedCertificates).Issuer)
		}
		return fail(f.Hint, "%s", f)
	}
	return p.judgeChain(c.ConnectionState())
}

// judgeChain tells the cloud's own certificate from one that somebody on the
// way has made: that one is good too, if its CA is trusted, but an administrator should know.
func (p *patient) judgeChain(s tls.ConnectionState) said {
	chain := s.VerifiedChains[0]
	root := last(chain)
	text := fmt.Sprintf("%s, %s, issued by %q, until %s", tls.VersionName(s.Version), names(chain[0]), root.Subject, chain[0].NotAfter.Format(time.DateOnly))
	for _, ca := range p.cloudCAs() {
		if ca.Equal(root) {
			return ok("%s, the cloud's own CA", text)
		}
	}
	if len(p.cloudCAs()) > 0 && p.private(root) {
		return warn("a proxy that inspects TLS makes certificates of its own; if it does harm, have it exempt the cloud's names",
			"%s: not the cloud's CA but a private one of this network", text)
	}
	if time.Until(chain[0].NotAfter) < soon {
		return warn("tell the cloud's administrators", "%s", text)
	}
	return ok("%s", text)
}

// private reports whether a root is one that administrators added here.
func (p *patient) private(root *x509.Certificate) bool {
	if p.harvest == nil {
		return false
	}
	for _, r := range p.harvest.Roots {
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

func brokerRaw(ctx context.Context, p *patient) said { return p.probe(ctx, link.TransportRaw) }

func brokerWebSocket(ctx context.Context, p *patient) said {
	return p.probe(ctx, link.TransportWebSocket)
}

// apiReachable wants any answer by HTTPS: whether the token is good, the probe of the broker says.
func apiReachable(ctx context.Context, p *patient) said {
	if s := p.unreachable(); s != nil {
		return *s
	}
	res, err := p.get(ctx, &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		return fail("check apiURL, and that outbound TCP 443 is allowed or a proxy is set", "%s", oneLine(err))
	}
	return ok("%s answers (%s)", p.settings.APIURL, res.status)
}

func clock(ctx context.Context, p *patient) said {
	if s := p.unreachable(); s != nil {
		return *s
	}
	u, err := url.Parse(p.settings.APIURL)
	if err != nil {
		return skip("the cloud's clock cannot be asked")
	}
	roots := p.roots
	if cas := p.cloudCAs(); len(cas) > 0 { // the others may have left out what is over by this clock
		roots = x509.NewCertPool()
		for _, ca := range cas {
			roots.AddCert(ca)
		}
	}
	res, err := p.get(ctx, hostclock.Timeless(roots, u.Hostname()))
	if err != nil { // a CA of this network stands in between
		res, err = p.get(ctx, &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12})
	}
	if err != nil {
		return skip("the cloud's clock cannot be asked")
	}
	theirs, err := http.ParseTime(res.date)
	if err != nil {
		return skip("the cloud does not say what time it is")
	}
	skew := time.Since(theirs).Round(time.Second)
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	switch {
	case skew.Abs() > 5*time.Minute:
		return fail("set the one that is wrong: chronyc makestep", "this host's clock is %s %s the cloud's, which says %s", skew.Abs(), side, theirs.UTC().Format(time.DateTime))
	case skew.Abs() > hostclock.Tolerated:
		return warn("let chronyd keep both", "this host's clock is %s %s the cloud's", skew.Abs(), side)
	}
	return ok("within %s of the cloud's", max(skew.Abs(), time.Second))
}

// answer is what any answer of the API tells.
type answer struct{ status, date string }

// get asks the API for anything.
func (p *patient) get(ctx context.Context, conf *tls.Config) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, hop)
	defer cancel()
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: p.dialer.DialContext, DisableKeepAlives: true,
			TLSClientConfig: conf,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, p.settings.APIURL+"/api", nil)
	if err != nil {
		return answer{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	return answer{res.Status, res.Header.Get("Date")}, res.Body.Close()
}
