package daemon

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/agent/secret/keychain"
)

// TestSealingKeys: they outlive the agent, are not in clear on the disk, and what was sealed to a replaced
// one still opens. With another keychain there are new ones, and the old ones are kept.
func TestSealingKeys(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	chain, err := keychain.Create(filepath.Join(dir, "keychain.json"), []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sealing-keys")
	open := func(chain *keychain.Keychain) *sealing {
		t.Helper()
		k := &sealing{store: envelope.NewStore(path, chain), logger: slog.New(slog.DiscardHandler)}
		if err := k.load(now); err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := open(chain)
	at := envelope.Binding{Environment: "plant", Order: "order-1", Parameter: "password"}
	sealed, err := envelope.Seal([]envelope.PublicKey{first.ring.Current()}, at, []byte("opensesame"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil || bytes.Contains(file, []byte("tcsealkeys")) || !keychain.IsSealed(string(bytes.TrimSpace(file))) {
		t.Errorf("%v: the file holds %.40q", err, file)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v: others may read it", info, err)
	}
	again := open(chain)
	if got, _ := again.status(); got != first.ring.Current().Fingerprint().String() {
		t.Errorf("after a restart the key is %s", got)
	}
	if err := again.rotate(now.Add(rotateAfter), false); err != nil {
		t.Fatal(err)
	}
	if value, err := open(chain).Open(at, sealed); err != nil || string(value) != "opensesame" {
		t.Errorf("after a rotation: %q, %v", value, err)
	}

	fingerprint, err := again.Rotate(true)
	if err != nil {
		t.Fatal(err)
	}
	forgot := open(chain)
	if got, _ := forgot.status(); got != fingerprint || len(forgot.ring.IDs()) != 1 {
		t.Errorf("after a rotation that forgets, the key is %s of %v; want %s alone", got, forgot.ring.IDs(), fingerprint)
	}
	if _, err := forgot.Open(at, sealed); err == nil {
		t.Error("a key that was to be forgotten opens values")
	}

	other, err := keychain.Create(filepath.Join(dir, "other.json"), []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(other).Open(at, sealed); err == nil {
		t.Error("another keychain opens it")
	}
	if _, err := os.Stat(path + ".lost"); err != nil {
		t.Error(err)
	}
	if _, err := (&sealing{}).Rotate(false); !errors.Is(err, errNoKeys) {
		t.Errorf("without a key: got %v, want %v", err, errNoKeys)
	}
	if again.Statement() != "" || again.problem != "the enrollment does not say which Environment this server belongs to; enroll it with a fresh bundle" {
		t.Errorf("without an Environment: got %q", again.problem)
	}
	again.environment, again.server, again.id = "plant", "xid-1", largeIdentity(t)
	if again.Statement() != "" || !strings.Contains(again.problem, `stating the sealing key of server "xid-1": a certificate of `) {
		t.Errorf("with a certificate that is too large: got %q", again.problem)
	}
	var none *sealing
	if _, err := none.Rotate(false); !errors.Is(err, errNoKeychain) {
		t.Errorf("without a keychain: got %v, want %v", err, errNoKeychain)
	}
	if fingerprint, problem := none.status(); fingerprint != "" || problem != errNoKeychain.Error() || none.Statement() != "" || none.old(now) {
		t.Errorf("without a keychain: %q, %q", fingerprint, problem)
	}
}

// largeIdentity has a certificate that is larger than a statement may have.
func largeIdentity(t *testing.T) *identity.Identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "xid-1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for i := range 1000 {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("%d.one-of-many-names.example", i))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	store, err := bundle.Keystore(tls.Certificate{PrivateKey: key, Leaf: leaf}, []*x509.Certificate{leaf}, "sesame")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keystore.p12")
	if err := os.WriteFile(path, store, 0o600); err != nil {
		t.Fatal(err)
	}
	id, err := identity.Load(path, "sesame")
	if err != nil {
		t.Fatal(err)
	}
	return id
}
