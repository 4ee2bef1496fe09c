package pki

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func authority(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := OpenAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func server(t *testing.T, a *Authority, names ...string) *Server {
	t.Helper()
	s, err := NewServer(a, names)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAuthorityIsMadeOnceAndKeysArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	a := authority(t, dir)
	s := server(t, a, "cloud.example")
	if b := authority(t, dir); !b.cert.Equal(a.cert) {
		t.Error("second start made another CA")
	}
	if again := server(t, a, "cloud.example"); !again.Leaf().Equal(s.Leaf()) {
		t.Error("second start made another server certificate")
	}
	for name, want := range map[string]os.FileMode{"ca.pem": 0o600, "server.pem": 0o600, "ca.crt": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	if years := time.Until(a.cert.NotAfter).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("the CA lives %.1f years, want 10", years)
	}
}

func TestBrokenAuthorityIsNeverReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("secret rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenAuthority(dir)
	if err == nil || strings.Contains(err.Error(), "rubbish") {
		t.Fatalf("got %v, want an error that does not quote the file", err)
	}
	other := authority(t, t.TempDir())
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	template := &x509.Certificate{SerialNumber: serial(), IsCA: true, BasicConstraintsValid: true}
	der, err1 := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	key, err2 := x509.MarshalPKCS8PrivateKey(private)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	foreign := slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	servers, err := os.ReadFile(server(t, other).path)
	if err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string][]byte{"its key is not one for ECDSA": foreign, "is not a CA's": servers} {
		if err := os.WriteFile(filepath.Join(dir, "ca.pem"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenAuthority(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Join(dir, "ca.pem")) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestServerCertificateIsRemade(t *testing.T) {
	dir := t.TempDir()
	a := authority(t, dir)
	first := server(t, a)
	if got := server(t, a, "10.1.2.3", "new.example"); got.Leaf().VerifyHostname("10.1.2.3") != nil || got.Leaf().VerifyHostname("new.example") != nil {
		t.Error("a new name is not in the certificate")
	}
	// Two thirds over: 1 hour of 3 is left.
	old, err := a.issue(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, DNSNames: []string{"localhost"}}, time.Hour/3)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.write(first.path); err != nil {
		t.Fatal(err)
	}
	if server(t, a).Leaf().Equal(old.cert) {
		t.Error("a certificate with less than a third of its life left was kept")
	}
	// The same while running.
	first.cert = first.present(old)
	if got, err := first.Get(nil); err != nil || got.Leaf.Equal(old.cert) {
		t.Errorf("a running server kept an old certificate (%v)", err)
	}
	// Another CA in the same folder.
	if err := os.Remove(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	b := authority(t, dir)
	if err := server(t, b).Leaf().CheckSignatureFrom(b.cert); err != nil {
		t.Errorf("certificate of the old CA was kept: %v", err)
	}
}

func TestGivenServerCertificate(t *testing.T) {
	dir := t.TempDir()
	a := authority(t, dir)
	made := server(t, a, "given.example")
	got, err := LoadServer(made.path, made.path)
	if err != nil || got.Leaf().VerifyHostname("given.example") != nil {
		t.Fatalf("got %v", err)
	}
	if _, err := LoadServer(made.path, filepath.Join(dir, "ca.pem")); err == nil {
		t.Error("a key that does not fit was taken")
	}
}

func TestClientCertificates(t *testing.T) {
	a, b := authority(t, t.TempDir()), authority(t, t.TempDir())
	_, mine, err := a.IssueClient("srv-1")
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := b.IssueClient("srv-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.VerifyClient(mine); err != nil || mine.Subject.CommonName != "srv-1" {
		t.Errorf("own certificate: %v", err)
	}
	if a.VerifyClient(foreign) == nil {
		t.Error("a certificate of another CA was taken")
	}
	if a.VerifyClient(server(t, a).Leaf()) == nil {
		t.Error("a server certificate was taken as a client's")
	}
	if err := a.VerifyClient(a.cert); err == nil || err.Error() != "a CA certificate is no client's" {
		t.Errorf("the CA itself as a client: %v", err)
	}
	expired, err := a.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, -time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if a.VerifyClient(expired.cert) == nil {
		t.Error("an expired certificate was taken")
	}
}

// A TLS client that trusts ca.crt alone reaches the server by each name.
func TestHandshake(t *testing.T) {
	a := authority(t, t.TempDir())
	s := server(t, a, "cloud.example")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: s.Get})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	pem, err := os.ReadFile(a.CertFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "cloud.example"} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = c.Close()
	}
}
