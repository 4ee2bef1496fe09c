package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"tcenvsvr/certs"
	"tcenvsvr/certs/cert"
)

// timeout bounds connecting and the handshake together.
const timeout = 30 * time.Second

// Dialer opens the connection: directly or through a proxy.
type Dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// Link is one certificate of the server's chain, or the CA that vouches for it.
type Link struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Fingerprint string    `json:"fingerprint"`
	NotAfter    time.Time `json:"not_after"`
}

// Result describes a handshake.
type Result struct {
	Address string `json:"address"`
	Trusted bool   `json:"trusted"`
	Version string `json:"version,omitempty"` // of TLS
	Chain   []Link `json:"chain"`             // as the server sent it
	// Root is the CA that vouches for the server, From its sources.
	Root    *Link    `json:"root,omitempty"`
	From    []string `json:"from,omitempty"`
	Private bool     `json:"private"`
	// Problem says what is wrong, Try what to do about it, Notes what else to know.
	Problem string   `json:"problem,omitempty"`
	Try     string   `json:"try,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Server connects to addr (host:port) and verifies its certificate with the roots of h. An error
// means that the server showed no certificate.
func Server(ctx context.Context, d Dialer, addr string, h *certs.Merged) (Result, error) {
	r := Result{Address: addr}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return r, fmt.Errorf("checking %q: it is not HOST:PORT", addr)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return r, fmt.Errorf("connecting to %q: %w", addr, err)
	}
	defer raw.Close()
	pool := x509.NewCertPool()
	for _, c := range h.Certs() {
		pool.AddCert(c)
	}
	conn := tls.Client(raw, &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12})
	err = conn.HandshakeContext(ctx)
	bad, isBad := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isBad:
		r.Chain = links(bad.UnverifiedCertificates)
		r.Problem, r.Try = explain(bad.UnverifiedCertificates, bad.Err, h)
		return r, nil
	case err != nil:
		return r, fmt.Errorf("shaking hands with %q: %w", addr, err)
	}
	state := conn.ConnectionState()
	r.Trusted, r.Version, r.Chain = true, tls.VersionName(state.Version), links(state.PeerCertificates)
	r.vouched(state.VerifiedChains, h)
	return r, nil
}

// vouched sets the root of the shortest chain.
func (r *Result) vouched(chains [][]*x509.Certificate, h *certs.Merged) {
	best := chains[0]
	for _, chain := range chains {
		if len(chain) < len(best) {
			best = chain
		}
	}
	root := best[len(best)-1]
	link := links(best[len(best)-1:])[0]
	r.Root = &link
	for _, known := range h.Roots {
		if known.Cert.Equal(root) {
			r.From, r.Private, r.Notes = known.From, known.Private, known.Notes
		}
	}
}

func links(list []*x509.Certificate) []Link {
	out := make([]Link, 0, len(list))
	for _, c := range list {
		out = append(out, Link{cert.Name(c.Subject), cert.Name(c.Issuer), cert.Fingerprint(c), c.NotAfter.UTC()})
	}
	return out
}
