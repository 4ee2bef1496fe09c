package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
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

func written(t *testing.T, c bundle.Content) []byte {
	t.Helper()
	b, err := bundle.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
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
		APIURL: "https://cloud.example:8443", BrokerHost: "cloud.example:62000",
		CAs: []*x509.Certificate{ca.Certificate()},
		Identity: registry.Issued{
			XID: "xid-1", Name: "server one", Environment: "lab",
			BrokerToken: "BT=secret", DeliveryToken: "DT", Key: key, Certificate: cert,
		},
	}
	const packed = "\xed\xab\xee\xdb an rpm, byte by byte"
	c.Package = &bundle.Package{Name: "threatconnect-envsvr-1.0.0-1.x86_64.rpm", System: "rpm", SHA256: "5a", Content: strings.NewReader(packed)}
	files := unzip(t, written(t, c))
	if got := files[c.Package.Name]; got != packed {
		t.Errorf("the package came out as %q", got)
	}
	for _, want := range []string{"rpm -K " + c.Package.Name, "dnf install ./" + c.Package.Name, "5a"} {
		if !strings.Contains(files["README.txt"], want) {
			t.Errorf("README.txt does not say %q:\n%s", want, files["README.txt"])
		}
	}
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

	// Without a package it says so; without a key it is the configuration alone.
	c.Package = nil
	if files = unzip(t, written(t, c)); len(files) != 3 || !strings.Contains(files["README.txt"], "not part of this bundle") {
		t.Errorf("without a package there are %d files; README.txt:\n%s", len(files), files["README.txt"])
	}
	c.Identity.Key, c.Identity.Certificate = nil, nil
	if text := string(written(t, c)); strings.Contains(text, "keystorePassword") || !strings.Contains(text, "\nserverXid=xid-1\n") {
		t.Errorf("a configuration alone is\n%s", text)
	}

	c.Identity.Name = "x\nbrokerHost=evil"
	if _, err := bundle.Build(c); err == nil || err.Error() != `writing setting "serverName": its value has a control character` {
		t.Errorf("a value of two lines: got %v", err)
	}
	if err := bundle.Kind("x").Check(); err == nil {
		t.Error("kind x was taken")
	}
}
