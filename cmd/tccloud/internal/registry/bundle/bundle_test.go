package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	"crypto/x509"

	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/bundle"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
)

// unzip returns the files of a bundle and checks what is around them.
func unzip(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, "threatconnect-envsvr/")
		if !ok {
			t.Errorf("%q is outside the top folder", f.Name)
		}
		if strings.HasPrefix(name, ".tcenvsvr/") && f.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, f.Mode())
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return files
}

func environment(s string) map[string]string {
	m := make(map[string]string)
	for line := range strings.Lines(s) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		m[k] = v
	}
	return m
}

func TestRoundTrip(t *testing.T) {
	ca, err := pki.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, cert, err := ca.IssueClient("xid-1")
	if err != nil {
		t.Fatal(err)
	}
	c := bundle.Content{
		Kind: bundle.All, APIURL: "https://cloud.example:8443", BrokerHost: "cloud.example:62000",
		CAs: []*x509.Certificate{ca.Certificate()},
		Identity: registry.Issued{
			XID: "xid-1", Name: "server one", Environment: "lab",
			BrokerToken: "BT=secret", DeliveryToken: "DT", Key: key, Certificate: cert,
		},
	}
	data, err := bundle.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	files := unzip(t, data)
	env := environment(files[".tcenvsvr/environment.env"])
	password := env["keystorePassword"]
	if len(password) < 30 {
		t.Errorf("keystore password %q is too weak", password)
	}
	delete(env, "keystorePassword")
	want := map[string]string{
		"apiURL": "https://cloud.example:8443", "brokerHost": "cloud.example:62000",
		"brokerToken": "BT=secret", "appDeliveryToken": "DT",
		"serverXid": "xid-1", "serverName": "server one", "environment": "lab",
	}
	if d := cmp.Diff(env, want); d != "" {
		t.Errorf("environment.env (-got +want):\n%s", d)
	}
	gotKey, gotCert, chain, err := pkcs12.DecodeChain([]byte(files[".tcenvsvr/keystore.p12"]), password)
	if err != nil {
		t.Fatal(err)
	}
	if !gotCert.Equal(cert) || !key.Equal(gotKey.(*ecdsa.PrivateKey)) || len(chain) != 1 || !chain[0].Equal(ca.Certificate()) {
		t.Error("the keystore holds something else than what was issued")
	}
	if _, _, _, err := pkcs12.DecodeChain([]byte(files[".tcenvsvr/keystore.p12"]), "wrong"); err == nil {
		t.Error("the keystore opens with any password")
	}
	for _, secret := range []string{"BT=secret", password} {
		if strings.Contains(files["README.txt"], secret) {
			t.Error("README.txt shows a secret")
		}
	}

	// An environment configuration for a server that keeps its key.
	c.Kind, c.Identity.Key, c.Identity.Certificate = bundle.EnvOnly, nil, nil
	if data, err = bundle.Build(c); err != nil {
		t.Fatal(err)
	}
	files = unzip(t, data)
	if _, ok := files[".tcenvsvr/keystore.p12"]; ok || strings.Contains(files[".tcenvsvr/environment.env"], "keystorePassword") {
		t.Error("a configuration alone brings a keystore")
	}

	c.Identity.Name = "x\nbrokerHost=evil"
	if _, err := bundle.Build(c); err == nil {
		t.Error("a value of two lines was written")
	}
	if err := bundle.ServerOnly.Check(); !errors.Is(err, bundle.ErrNoPackage) {
		t.Errorf("kind server: got %v", err)
	}
	if err := bundle.Kind("x").Check(); err == nil {
		t.Error("kind x was taken")
	}
}
