package pki

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Server is the certificate that the cloud presents on both its ports.
type Server struct {
	authority *Authority // nil where the certificate was given
	path      string
	names     []string

	mu      sync.Mutex
	cert    *tls.Certificate
	trusted func() bool // whether this host's clock tells its age; nil = always
}

// NewServer loads the server certificate for localhost, the loopback addresses and names from the
// authority's folder. It issues a new one if that is missing, misses a name, comes from another CA,
// or two thirds of its life are over.
func NewServer(a *Authority, names []string) (*Server, error) {
	all := []string{"localhost", "127.0.0.1", "::1"}
	for _, n := range names {
		if n == "" || len(n) > 253 {
			return nil, fmt.Errorf("issuing the server certificate: %q is no host name", n)
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	s := &Server{authority: a, path: filepath.Join(a.dir, "server.pem"), names: all}
	p, err := readPair(s.path)
	switch {
	case err == nil:
		s.cert = s.present(p)
		if s.good(p.cert) {
			return s, nil
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading the server certificate: %w", err)
	}
	if err := s.renew(); err != nil && (s.cert == nil || s.cert.Leaf.CheckSignatureFrom(a.cert) != nil) {
		return nil, err
	}
	return s, nil
}

// LoadServer reads a certificate chain and its key from PEM files.
func LoadServer(certFile, keyFile string) (*Server, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the server certificate %q with key %q: %w", certFile, keyFile, err)
	}
	return &Server{cert: &cert}, nil
}

// Get is tls.Config.GetCertificate. A cloud that runs for years renews its own certificate here. If
// that fails it goes on with the old one, which is still valid for clients if only this host's
// clock is wrong.
func (s *Server) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.authority != nil && !s.good(s.cert.Leaf) {
		if ahead := now().Before(s.cert.Leaf.NotBefore); ahead || s.trusted == nil || s.trusted() {
			_ = s.renew()
		}
	}
	return s.cert, nil
}

// Trust sets how to know whether this host's clock tells the certificate's age. While it does not,
// only a certificate that begins in the future is replaced.
func (s *Server) Trust(clock func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusted = clock
}

// Problem says what is wrong with the certificate by this host's clock, "" if nothing is.
func (s *Server) Problem() string {
	c, now := s.Leaf(), time.Now()
	if now.After(c.NotBefore) && now.Before(c.NotAfter) {
		return ""
	}
	return fmt.Sprintf("this host's clock says %s, and the cloud's certificate is valid from %s to %s", now.UTC().Format(time.DateTime),
		c.NotBefore.UTC().Format(time.DateTime), c.NotAfter.UTC().Format(time.DateTime))
}

// Leaf is the certificate shown now.
func (s *Server) Leaf() *x509.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cert.Leaf
}

// good reports whether c can be presented for some time still. A certificate that is not valid yet
// was made while the clock was ahead.
func (s *Server) good(c *x509.Certificate) bool {
	now, life := now(), c.NotAfter.Sub(c.NotBefore)
	if now.Before(c.NotBefore) || now.After(c.NotBefore.Add(life/3*2)) || c.CheckSignatureFrom(s.authority.cert) != nil {
		return false
	}
	return !slices.ContainsFunc(s.names, func(n string) bool { return c.VerifyHostname(n) != nil })
}

func (s *Server) renew() error {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: s.names[len(s.names)-1], Organization: []string{"tccloud"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range s.names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	p, err := s.authority.issue(template, serverLife)
	if err != nil {
		return fmt.Errorf("issuing the server certificate: %w", err)
	}
	if err := p.write(s.path); err != nil {
		return err
	}
	s.cert = s.present(p)
	return nil
}

func (s *Server) present(p pair) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{p.cert.Raw, s.authority.cert.Raw}, PrivateKey: p.key, Leaf: p.cert}
}

// Issuers are the CA certificates that agents need to verify the server certificate, besides the
// system's: the authority's, or those in the given chain.
func (s *Server) Issuers() []*x509.Certificate {
	if s.authority != nil {
		return []*x509.Certificate{s.authority.cert}
	}
	var cas []*x509.Certificate
	for _, der := range s.cert.Certificate {
		if c, err := x509.ParseCertificate(der); err == nil && c.IsCA {
			cas = append(cas, c)
		}
	}
	return cas
}

// Pin is the digest of the certificate by which clients verify the presented one: the last CA of
// the chain that is sent, or the certificate itself.
func (s *Server) Pin() [sha256.Size]byte {
	last := s.Leaf()
	if issuers := s.Issuers(); len(issuers) > 0 {
		last = issuers[len(issuers)-1]
	}
	return sha256.Sum256(last.Raw)
}
