package keystore_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/certs/cert"
	"tcenvsvr/certs/certstest"
	"tcenvsvr/certs/keystore"
	"tcenvsvr/test/need"
)

func encode(t testing.TB, certs ...*x509.Certificate) map[string][]byte {
	t.Helper()
	p12, err := keystore.PKCS12(certs)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"cacerts.jks": keystore.JKS(certs), "cacerts.p12": p12}
}

func TestRoundTrip(t *testing.T) {
	a, b := certstest.New(t).Cert, certstest.New(t).Cert // of one subject
	again := encode(t, a, b)
	for name, data := range encode(t, a, b) {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s: the same certificates give other bytes", name)
		}
		got, skipped, err := keystore.Decode(data)
		if err != nil || skipped != 0 || len(got) != 2 || !got[0].Equal(a) || !got[1].Equal(b) {
			t.Errorf("%s: got %d certificates, %d skipped, %v", name, len(got), skipped, err)
		}
	}
}

// keytool is Java's own reader and writer.
func TestKeytoolAgrees(t *testing.T) {
	keytool := need.Tool(t, "keytool")
	dir := t.TempDir()
	ca := certstest.New(t)
	for name, data := range encode(t, ca.Cert, certstest.New(t).Cert) {
		file := certstest.File(t, dir, name, data)
		out, err := exec.Command(keytool, "-list", "-keystore", file, "-storepass", "changeit").CombinedOutput()
		if err != nil || strings.Count(string(out), "trustedCertEntry") != 2 || !strings.Contains(string(out), cert.Fingerprint(ca.Cert)) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for _, kind := range []string{"JKS", "PKCS12"} {
		file := filepath.Join(dir, "made."+kind)
		out, err := exec.Command(keytool, "-importcert", "-noprompt", "-alias", "x", "-file", certstest.File(t, dir, "ca.pem", ca.PEM()),
			"-keystore", file, "-storetype", kind, "-storepass", "changeit").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := keystore.Decode(data); err != nil || len(got) != 1 || !got[0].Equal(ca.Cert) {
			t.Errorf("%s: got %d certificates, %v", kind, len(got), err)
		}
	}
}

func TestDamagedStores(t *testing.T) {
	for name, data := range encode(t, certstest.New(t).Cert) {
		for n := 0; n < len(data); n += 7 {
			if got, _, err := keystore.Decode(data[:n]); err == nil || len(got) > 0 {
				t.Fatalf("%s cut off after %d of %d bytes: %d certificates, %v", name, n, len(data), len(got), err)
			}
		}
	}
	odd := keystore.JKS([]*x509.Certificate{{Raw: []byte("no certificate")}, certstest.New(t).Cert})
	if got, skipped, err := keystore.Decode(odd); err != nil || len(got) != 1 || skipped != 1 {
		t.Errorf("one odd entry: %d certificates, %d skipped, %v", len(got), skipped, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range encode(f, certstest.New(f).Cert) {
		f.Add(data)
	}
	f.Add([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, _, err := keystore.Decode(data)
		if err != nil {
			return
		}
		if again, _, err := keystore.Decode(keystore.JKS(certs)); err != nil || len(again) != len(certs) {
			t.Errorf("%d certificates became %d, %v", len(certs), len(again), err)
		}
	})
}
