package check_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/certs"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/certs/check"
)

// serve answers handshakes with a certificate and returns the address.
func serve(t *testing.T, c tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{c}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func only(c tls.Certificate) tls.Certificate {
	c.Certificate = c.Certificate[:1]
	return c
}

func TestServer(t *testing.T) {
	root := certstest.New(t, certstest.Named("Corp Root"))
	issuing := root.Issue(t, certstest.Named("Corp Issuing"))
	server := issuing.Issue(t, certstest.Server("a.example"))
	renewed := certstest.New(t, certstest.Named("Corp Root"))
	self := certstest.New(t, certstest.Server("a.example"))
	narrow := certstest.New(t, certstest.Named("Narrow"), func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{".corp.example"}, true
	})
	old := root.Issue(t, certstest.Server("a.example"), certstest.Expired)
	elsewhere := root.Issue(t, certstest.Server("b.example"), func(c *x509.Certificate) { c.IPAddresses = nil })
	aia := issuing.Issue(t, certstest.Server("a.example"), func(c *x509.Certificate) {
		c.IssuingCertificateURL = []string{"http://pki.example/ca.crt"}
	})
	for name, tt := range map[string]struct {
		server  tls.Certificate
		trusted []certstest.Pair
		problem string // "" = trusted
		try     string // or the root that vouches
	}{
		"vouched by the root":          {server.TLS(), []certstest.Pair{root}, "", "CN=Corp Root"},
		"vouched by the intermediate":  {only(server.TLS()), []certstest.Pair{issuing}, "", "CN=Corp Issuing"},
		"self-signed and added":        {self.TLS(), []certstest.Pair{self}, "", "CN=server of a test"},
		"root unknown":                 {server.TLS(), nil, "chain ends at CN=Corp Issuing, whose issuer CN=Corp Root is neither sent nor trusted", "add the CA CN=Corp Root"},
		"intermediate not sent":        {only(server.TLS()), []certstest.Pair{root}, "own certificate only, and its issuer CN=Corp Issuing is not trusted", "have the server send it"},
		"where the issuer may be had":  {only(aia.TLS()), nil, "names http://pki.example/ca.crt", "add the CA"},
		"root sent and unknown":        {tls.Certificate{Certificate: append(server.TLS().Certificate, root.Cert.Raw), PrivateKey: server.Key}, nil, "root CA CN=Corp Root is not trusted", "compare the fingerprint"},
		"another key of the same name": {server.TLS(), []certstest.Pair{renewed}, "CN=Corp Root, but another key", "renewed"},
		"self-signed":                  {self.TLS(), nil, "self-signed certificate, CN=server of a test", "add it"},
		"expired":                      {old.TLS(), []certstest.Pair{root}, "expired on", "renewed"},
		"another name":                 {elsewhere.TLS(), []certstest.Pair{root}, `is for b.example, not for "127.0.0.1"`, "use a name"},
		"a CA for other names":         {narrow.Issue(t, certstest.Server("evil.example")).TLS(), []certstest.Pair{narrow}, "vouches only for some names", "another CA"},
	} {
		t.Run(name, func(t *testing.T) {
			drop := filepath.Join(t.TempDir(), "certs.d")
			for i, p := range tt.trusted {
				certstest.File(t, drop, string(rune('a'+i))+".pem", p.PEM())
			}
			h, err := certs.Sources{Drops: []string{drop}}.Merge(time.Now())
			if err != nil {
				t.Fatal(err)
			}
			addr := serve(t, tt.server)
			r, err := check.Server(t.Context(), &net.Dialer{}, addr, h)
			if err != nil {
				t.Fatal(err)
			}
			if r.Trusted != (tt.problem == "") || !strings.Contains(r.Problem, tt.problem) {
				t.Errorf("trusted %v, problem %q; want %q", r.Trusted, r.Problem, tt.problem)
			}
			if r.Trusted && (r.Root.Subject != tt.try || !r.Private || !strings.HasSuffix(r.From[0], "a.pem")) {
				t.Errorf("vouched by %v from %q; want %s", r.Root, r.From, tt.try)
			}
			if !r.Trusted && !strings.Contains(r.Try, tt.try) {
				t.Errorf("try %q; want %q", r.Try, tt.try)
			}
			if len(r.Chain) != len(tt.server.Certificate) {
				t.Errorf("%d certificates shown; want %d", len(r.Chain), len(tt.server.Certificate))
			}
		})
	}
}

func TestNoCertificateToLookAt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("220 mail.example ESMTP\r\n"))
			_ = c.Close()
		}
	}()
	h := &certs.Merged{}
	for addr, want := range map[string]string{l.Addr().String(): "shaking hands", "127.0.0.1:1": "connecting to", "host": "not HOST:PORT"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err := check.Server(ctx, &net.Dialer{}, addr, h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", addr, err, want)
		}
		cancel()
	}
}
