package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/secret/privatefile"
)

// authority signs as a cloud would.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	a.cert = &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.cert = a.sign("CA", &key.PublicKey, time.Hour)
	return a
}

func (a *authority) sign(name string, key *ecdsa.PublicKey, left time.Duration) *x509.Certificate {
	a.t.Helper()
	a.n++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.n), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(left),
	}
	if name == "CA" {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		a.cert = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// keystore is a new one for the server.
func (a *authority) keystore(name, password string) []byte {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf := a.sign(name, &key.PublicKey, 3*time.Hour)
	data, err := bundle.Keystore(tls.Certificate{PrivateKey: key, Leaf: leaf}, []*x509.Certificate{a.cert}, password)
	if err != nil {
		a.t.Fatal(err)
	}
	return data
}

func load(t *testing.T, path, password string) *Identity {
	t.Helper()
	i, err := Load(path, password)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestReplaceIsKilled: at every step the password in the settings opens the identity that belongs
// to it.
func TestReplaceIsKilled(t *testing.T) {
	ca := newAuthority(t)
	path := filepath.Join(t.TempDir(), "keystore.p12")
	old, next := ca.keystore("old", "p-old"), ca.keystore("next", "p-next")
	name := func(password string) string {
		i, err := Load(path, password)
		if err != nil {
			return err.Error()
		}
		return i.Leaf().Subject.CommonName
	}
	if err := atomicfile.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(path+renewedSuffix, ca.keystore("old", "p-old"), 0o600); err != nil {
		t.Fatal(err)
	}
	killed := errors.New("killed")
	if err := Replace(path, next, func() error { return killed }); !errors.Is(err, killed) || name("p-old") != "old" {
		t.Fatalf("settings could not be stored: %v; the old identity is %s", err, name("p-old"))
	}
	// Killed before the settings changed, and after it.
	if err := atomicfile.WriteFile(path+nextSuffix, next, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name("p-old"); got != "old" {
		t.Errorf("before the moment of change: got %s", got)
	}
	for range 2 { // the second finds it finished
		if got := name("p-next"); got != "next" {
			t.Errorf("after the moment of change: got %s", got)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if got := name("p-old"); !strings.Contains(got, bundle.ErrPassword.Error()) {
		t.Errorf("the old password: %s", got)
	}
	if _, err := Load(path+".none", "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no keystore: %v", err)
	}
}

// TestDamagedKeystore: what is in the place of a keystore is told apart, and each time what helps.
func TestDamagedKeystore(t *testing.T) {
	good := newAuthority(t).keystore("one", "p")
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	const noFile, noFit = "it is empty, cut off or no PKCS#12 file", "or is not the one of keystorePassword in the settings"
	for name, tt := range map[string]struct {
		text []byte
		is   error
		want string
	}{
		"empty":            {nil, ErrDamaged, noFile},
		"cut off":          {good[:len(good)/2], ErrDamaged, noFile},
		"another file":     {[]byte("-----BEGIN CERTIFICATE-----\n"), ErrDamaged, noFile},
		"a bit flipped":    {flipped, ErrDamaged, noFit},
		"another password": {newAuthority(t).keystore("one", "q"), ErrDamaged, noFit},
		"too large":        {make([]byte, maxKeystore+1), privatefile.ErrUnsafe, "it is larger than 1048576 bytes"},
	} {
		path := filepath.Join(t.TempDir(), "keystore.p12")
		if err := os.WriteFile(path, tt.text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, "p")
		if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) || errors.Is(err, ErrDamaged) && !strings.HasPrefix(err.Error(), "reading keystore \"") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		const hint = "\nhint: restore it from a backup; without one make a fresh bundle (\"tccloud bundle ENV --server XID\") and run \"tcenvsvr enroll FILE\""
		if errors.Is(err, ErrDamaged) && !strings.HasSuffix(err.Error(), hint) {
			t.Errorf("%s: %v says nothing about what helps", name, err)
		}
	}
}

// renew goes one round with the authority and returns what was stored.
func renew(t *testing.T, ca *authority, i *Identity) {
	t.Helper()
	m, err := i.Request()
	if err != nil {
		t.Fatal(err)
	}
	r, err := x509.ParseCertificateRequest(m.Request)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		t.Fatalf("the key is a %T", r.PublicKey)
	}
	if err := i.Renewed(ca.sign("one", key, time.Hour).Raw); err != nil {
		t.Fatal(err)
	}
}

func offer(t *testing.T, i *Identity) string {
	t.Helper()
	c, err := i.Offer(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf.SerialNumber.String()
}

// TestRenewalIsKilled: the process is killed, that is loaded anew, after each step.
func TestRenewalIsKilled(t *testing.T) {
	ca := newAuthority(t)
	path := filepath.Join(t.TempDir(), "keystore.p12")
	if err := atomicfile.WriteFile(path, ca.keystore("one", "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := load(t, path, "p").Leaf().SerialNumber.String()

	i := load(t, path, "p")
	if _, err := i.Request(); err != nil { // killed before the answer
		t.Fatal(err)
	}
	i = load(t, path, "p")
	if got := offer(t, i); got != first {
		t.Errorf("after a request: offers %s, want %s", got, first)
	}
	if err := i.Renewed(ca.sign("one", &ca.key.PublicKey, time.Hour).Raw); err == nil {
		t.Error("an answer to the request of a killed process was taken")
	}
	renew(t, ca, i)
	i = load(t, path, "p") // killed before the first connection with it
	if due := i.due(); !due.IsZero() {
		t.Errorf("a certificate that is stored and not proved is asked for again at %s", due)
	}
	second := offer(t, i)
	if second == first {
		t.Error("the renewed certificate is not offered")
	}
	if got := offer(t, i); got != first {
		t.Errorf("after a failed connection: offers %s, want the old one in turn", got)
	}
	if used, err := i.Proved(); used || err != nil {
		t.Errorf("a session with the old one promoted the renewed one: %v", err)
	}
	if got := offer(t, i); got != second {
		t.Errorf("offers %s, want %s", got, second)
	}
	if used, err := i.Proved(); !used || err != nil {
		t.Fatalf("a session with the renewed one: %v, %v", used, err)
	}
	if used, err := i.Proved(); used || err != nil {
		t.Errorf("proved twice: %v, %v", used, err)
	}
	for _, i := range []*Identity{i, load(t, path, "p")} {
		if got := offer(t, i); got != second {
			t.Errorf("after the promotion: offers %s, want %s", got, second)
		}
	}
}

// TestRenewalAfterEnrollment: an old process does not spoil the new identity.
func TestRenewalAfterEnrollment(t *testing.T) {
	ca := newAuthority(t)
	path := filepath.Join(t.TempDir(), "keystore.p12")
	if err := atomicfile.WriteFile(path, ca.keystore("one", "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	running := load(t, path, "p")
	renew(t, ca, running)
	offer(t, running)
	if err := Replace(path, ca.keystore("two", "q"), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if used, err := running.Proved(); used || err == nil {
		t.Errorf("the old process took its certificate into use: %v", err)
	}
	if got := load(t, path, "q").Leaf().Subject.CommonName; got != "two" {
		t.Errorf("got %s", got)
	}
}

func TestRenewedRefuses(t *testing.T) {
	ca := newAuthority(t)
	path := filepath.Join(t.TempDir(), "keystore.p12")
	if err := atomicfile.WriteFile(path, ca.keystore("one", "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := load(t, path, "p")
	if err := i.Renewed(i.Leaf().Raw); err == nil || !strings.Contains(err.Error(), "none was asked for") {
		t.Errorf("unasked: %v", err)
	}
	if _, err := i.Request(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		der  []byte
		want string
	}{
		"garbage":   {[]byte("x"), "x509"},
		"other key": {ca.sign("one", &ca.key.PublicKey, time.Hour).Raw, "it is not for the key of the last request"},
		"other":     {ca.sign("two", &i.asked.PublicKey, time.Hour).Raw, `it is for server "two"`},
		"expired":   {ca.sign("one", &i.asked.PublicKey, -time.Minute).Raw, "it expired on 20"},
	} {
		if err := i.Renewed(tt.der); err == nil || !strings.Contains(err.Error(), "reading the renewed certificate: "+tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}
