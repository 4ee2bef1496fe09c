package node

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// certificates writes a CA and a certificate of 127.0.0.1 for both sides of a connection.
func certificates(t *testing.T) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sign := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = k
		}
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &k.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, k
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, caKey := sign(root, root, nil)
	der, k := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, root, caKey)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return write("ca.pem", "CERTIFICATE", caDER), write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestLogin: nodes find together by login and certificates, a gateway gets in with both, and nobody
// without one of them.
func TestLogin(t *testing.T) {
	t.Parallel()
	ca, cert, key := certificates(t)
	user := filepath.Join(t.TempDir(), "nats.user")
	if err := os.WriteFile(user, []byte("cloud\nvery secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := make([]Config, 3)
	var peers, urls []string
	for i := range all {
		all[i] = Config{
			Dir: t.TempDir(), Name: fmt.Sprint("n", i), Listen: freeAddr(t), Cluster: freeAddr(t),
			User: "cloud", Password: "very secret", Cert: cert, Key: key, CA: ca, Logger: slog.New(slog.DiscardHandler),
		}
		peers, urls = append(peers, all[i].Cluster), append(urls, "tls://"+all[i].Listen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, len(all))
	for _, c := range all {
		c.Peers = peers
		go func() { done <- Run(ctx, c) }()
	}
	t.Cleanup(func() {
		cancel()
		for range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	st, err := store.Open(t.Context(), store.Config{URLs: urls, Login: store.Login{User: user, CA: ca}})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if n, away, err := st.Copies(t.Context()); n != 3 || err != nil {
		t.Errorf("%d copies, away: %q, %v", n, away, err)
	}

	wrong := filepath.Join(t.TempDir(), "wrong.user")
	if err := os.WriteFile(wrong, []byte("cloud\na guess\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for name, tt := range map[string]struct {
		login store.Login
		want  func(error) bool
	}{
		"nobody":         {store.Login{CA: ca}, func(err error) bool { return errors.Is(err, nats.ErrAuthorization) }},
		"wrong password": {store.Login{User: wrong, CA: ca}, func(err error) bool { return errors.Is(err, nats.ErrAuthorization) }},
		"another CA":     {store.Login{User: user}, func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok }},
	} {
		st, err := store.Open(t.Context(), store.Config{URLs: urls, Login: tt.login})
		if err == nil {
			st.Close()
		}
		if !tt.want(err) || err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "guess")) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("what waiting cannot mend was waited for: %s", took)
	}
}

// TestFolder: a node says why it cannot use its folder, at once.
func TestFolder(t *testing.T) {
	t.Parallel()
	for want, make := range map[string]func(dir string) error{
		"another node is running in it": func(dir string) error {
			unlock, err := filelock.Try(filepath.Join(dir, "lock"))
			t.Cleanup(unlock)
			return err
		},
		"running the node: Can't start JetStream: storage directory is not a directory": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600)
		},
	} {
		dir := t.TempDir()
		if err := make(dir); err != nil {
			t.Fatal(err)
		}
		cfg := Config{Dir: dir, Listen: freeAddr(t), Cluster: freeAddr(t), Peers: []string{"127.0.0.1:1"}, Logger: slog.New(slog.DiscardHandler)}
		begun := time.Now()
		if err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) || time.Since(begun) > 10*time.Second {
			t.Errorf("after %s: %v, want %q", time.Since(begun), err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		c    Config
		says string
	}{
		"open to all":     {Config{Listen: "0.0.0.0:4222", Peers: []string{"a:1"}}, "give --user-file"},
		"cluster open":    {Config{Listen: "127.0.0.1:4222", Cluster: "0.0.0.0:6222", Peers: []string{"a:1"}}, "give --user-file"},
		"no port":         {Config{Listen: "127.0.0.1", Peers: []string{"a:1"}}, "--listen"},
		"a peer's port":   {Config{Listen: "127.0.0.1:4222", Peers: []string{"a"}}, "--peers"},
		"too high a port": {Config{Listen: "127.0.0.1:65000", Peers: []string{"a:1"}}, "--cluster-listen"},
		"no certificate":  {Config{Listen: "127.0.0.1:4222", Peers: []string{"a:1"}, Cert: "none", Key: "none", CA: "none"}, "reading the node's certificate"},
	} {
		if _, err := tt.c.options(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", name, err, tt.says)
		}
	}
	o, err := Config{Listen: "127.0.0.1:4221", Peers: []string{"a:6221"}, User: "u", Password: "p/&"}.options()
	if err != nil || o.Cluster.Port != 6221 || o.Cluster.Host != "127.0.0.1" || !strings.HasSuffix(o.ServerName, "-4221") {
		t.Errorf("got %+v, %v", o, err)
	}
	other, err := Config{Listen: "127.0.0.2:4221", Peers: []string{"a:6221"}}.options()
	if err != nil || other.ServerName == o.ServerName {
		t.Errorf("two nodes are called %q: %v", o.ServerName, err)
	}
}
