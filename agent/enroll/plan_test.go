package enroll

import (
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
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/enroll/bundle"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/settings"
)

// keystore is one of the server xid, valid from now+from to now+to.
func keystore(t *testing.T, xid, password string, from, to time.Duration) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: xid},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to),
		IsCA: true, BasicConstraintsValid: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	data, err := bundle.Keystore(tls.Certificate{PrivateKey: key, Leaf: leaf}, []*x509.Certificate{leaf}, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// env is what a bundle of the cloud says about the server xid.
func env(xid, cloud string) map[string]string {
	return map[string]string{
		"apiURL": "https://" + cloud + ":8443", "brokerHost": cloud, "brokerToken": "bt-" + cloud,
		"appDeliveryToken": "adt-" + cloud, "serverXid": xid, "serverName": xid, "environment": "lab",
	}
}

func with(m map[string]string, name, value string) map[string]string {
	m[name] = value
	return m
}

// enrolled is a host that is server "one" of "a.example"; nothing is sealed.
func enrolled(t *testing.T) (c Current, file, store string) {
	t.Helper()
	dir := t.TempDir()
	file, store = filepath.Join(dir, "settings.yaml"), filepath.Join(dir, "keystore.p12")
	p, err := New(Current{Load: settings.Options{File: file}}, Offer{with(env("one", "a.example"), "keystorePassword", "brought"), nil, keystore(t, "one", "brought", -time.Hour, time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(file, store, nil); err != nil {
		t.Fatal(err)
	}
	return read(t, file, store), file, store
}

func read(t *testing.T, file, store string) Current {
	t.Helper()
	c := Current{Load: settings.Options{File: file}}
	var err error
	if c.Settings, _, err = settings.Load(c.Load); err != nil {
		t.Fatal(err)
	}
	if c.Identity, err = identity.Load(store, c.Settings.KeystorePassword.Reveal()); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRulesOfIdentity: what may become of a host that is server "one".
func TestRulesOfIdentity(t *testing.T) {
	host, _, _ := enrolled(t)
	of := func(xid string, from, to time.Duration) []byte { return keystore(t, xid, "brought", from, to) }
	opens := func(m map[string]string) map[string]string { return with(m, "keystorePassword", "brought") }
	for _, tc := range []struct {
		name     string
		host     Current
		offer    Offer
		want     error
		replaces string
		says     string
	}{
		{"a new host", Current{}, Offer{opens(env("one", "a.example")), nil, of("one", -time.Hour, time.Hour)}, nil, "", ""},
		{"the same server again", host, Offer{opens(env("one", "a.example")), nil, of("one", -time.Hour, time.Hour)}, nil, "", ""},
		{"the same server of another cloud", host, Offer{opens(env("one", "b.example")), nil, of("one", -time.Hour, time.Hour)}, nil, "", ""},
		{"another server", host, Offer{opens(env("two", "a.example")), nil, of("two", -time.Hour, time.Hour)}, nil, "one", ""},
		{"settings only, same server", host, Offer{env("one", "b.example"), nil, nil}, nil, "", ""},
		{"settings only, without a server", host, Offer{env("", "b.example"), nil, nil}, nil, "", ""},
		{"settings only, other server", host, Offer{env("two", "b.example"), nil, nil}, ErrIdentity, "", "this host's certificate is for server \"one\" and the settings are for \"two\"\nhint: take the all-in-one bundle, or give the keystore with --keystore"},
		{"settings only, new host", Current{}, Offer{env("one", "a.example"), nil, nil}, settings.ErrNotEnrolled, "", ""},
		{"keystore only", host, Offer{map[string]string{"keystorePassword": "brought"}, nil, of("one", -time.Hour, time.Hour)}, nil, "", ""},
		{"keystore of another than the settings", host, Offer{opens(env("one", "a.example")), nil, of("two", -time.Hour, time.Hour)}, ErrIdentity, "", `: the certificate is for server "two" and the settings are for "one"`},
		{"expired", host, Offer{opens(env("one", "a.example")), nil, of("one", -2*time.Hour, -time.Hour)}, ErrExpired, "", "correct the clock; if it is right, make a fresh bundle (\"tccloud bundle ENV --server one\")"},
		{"not yet valid", host, Offer{opens(env("one", "a.example")), nil, of("one", time.Hour, 2*time.Hour)}, ErrExpired, "", "correct the clock; if it is right, the cloud's was wrong when this was made: make a fresh bundle"},
		{"wrong password", host, Offer{with(env("one", "a.example"), "keystorePassword", "other"), nil, of("one", -time.Hour, time.Hour)}, bundle.ErrPassword, "", ""},
		{"no broker", Current{}, Offer{opens(map[string]string{"apiURL": "https://a.example"}), nil, of("one", -time.Hour, time.Hour)}, settings.ErrNotEnrolled, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := New(tc.host, tc.offer)
			if !errors.Is(err, tc.want) || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want %v: %s", err, tc.want, tc.says)
			}
			if errors.Is(err, ErrExpired) && (!strings.Contains(err.Error(), "and this host's clock says ") || !strings.Contains(err.Error(), "Z\nhint: ")) {
				t.Errorf("the clock is not shown, or in another zone than the certificate's: %v", err)
			}
			if err == nil && p.Replaces != tc.replaces {
				t.Errorf("replaces %q, want %q", p.Replaces, tc.replaces)
			}
		})
	}
}

// TestSettingsOnlyKeepTheIdentity: only what differs is shown and stored.
func TestSettingsOnlyKeepTheIdentity(t *testing.T) {
	host, file, store := enrolled(t)
	before, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(host, Offer{Settings: with(env("one", "b.example"), "brokerToken", "bt-a.example")})
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]Change{}
	for _, c := range p.Changes {
		changed[c.Name] = c
		if strings.Contains(c.New+c.Old, "adt-") {
			t.Errorf("a secret is shown: %+v", c)
		}
	}
	if len(changed) != 3 || changed["brokerHost"].Old != "a.example" || changed["brokerHost"].New != "b.example" ||
		changed["appDeliveryToken"].New != "[redacted]" || changed["apiURL"].New == "" {
		t.Errorf("changes: %+v", p.Changes)
	}
	if err := p.Commit(file, store, nil); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(store)
	if err != nil || string(before) != string(after) {
		t.Errorf("the keystore changed (%v)", err)
	}
	if now := read(t, file, store); now.Settings.BrokerHost != "b.example" || !now.Identity.Leaf().Equal(host.Identity.Leaf()) {
		t.Errorf("got %q, %v", now.Settings.BrokerHost, now.Identity.Leaf().Subject)
	}
}

// TestKeystoreGetsAPasswordOfItsOwn: who finds the bundle cannot open what is stored.
func TestKeystoreGetsAPasswordOfItsOwn(t *testing.T) {
	host, _, store := enrolled(t)
	if p := host.Settings.KeystorePassword.Reveal(); p == "brought" || len(p) < 20 {
		t.Errorf("the password has %d letters", len(p))
	}
	if _, err := identity.Load(store, "brought"); !errors.Is(err, bundle.ErrPassword) {
		t.Errorf("the bundle's password: %v", err)
	}
}

// TestCommitThatFails leaves settings and keystore as they were.
func TestCommitThatFails(t *testing.T) {
	host, file, store := enrolled(t)
	p, err := New(host, Offer{with(env("two", "b.example"), "keystorePassword", "brought"), nil, keystore(t, "two", "brought", -time.Hour, time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("cannot seal")
	if err := p.Commit(file, store, func(string, string) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if now := read(t, file, store); now.Settings.ServerXID != "one" || now.Identity.Leaf().Subject.CommonName != "one" {
		t.Errorf("now it is %q", now.Settings.ServerXID)
	}
	if left, _ := filepath.Glob(store + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// TestAnEmptyFlagEmptiesWhatTheHostHas: the plan is judged and shown as the file will be, not as it
// was.
func TestAnEmptyFlagEmptiesWhatTheHostHas(t *testing.T) {
	_, file, store := enrolled(t)
	if err := settings.Set(file, map[string]string{"proxyHost": "p", "proxyPort": "3128", "proxyTC": "true"}, nil); err != nil {
		t.Fatal(err)
	}
	host := read(t, file, store)
	_, err := New(host, Offer{Settings: env("one", "a.example"), Flags: map[string]string{"proxyHost": ""}})
	if _, ok := errors.AsType[*settings.ConflictError](err); !ok {
		t.Fatalf("got %v, want a *ConflictError: proxyTC needs the host", err)
	}
	p, err := New(host, Offer{Settings: env("one", "a.example"), Flags: map[string]string{"proxyHost": "", "proxyTC": ""}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p.Changes, Change{"proxyHost", "p", ""}) || !slices.Contains(p.Changes, Change{"proxyTC", "true", "false"}) {
		t.Errorf("shown: %+v", p.Changes)
	}
	if err := p.Commit(file, store, nil); err != nil {
		t.Fatal(err)
	}
	if got := read(t, file, store).Settings; got.ProxyHost != "" || got.ProxyTC || got.ProxyPort != 3128 {
		t.Errorf("stored: %+v", got)
	}
}

// A newer cloud must not keep an older server out, and what is wrong with a bundle is not blamed on a
// flag that nobody gave.
func TestBundleOfAnotherVersion(t *testing.T) {
	_, file, store := enrolled(t)
	host := read(t, file, store)
	o := Offer{Settings: with(env("one", "b.example"), "brokerFlavour", "s3cr3t")}
	if unknown := o.TakeUnknown(); !slices.Equal(unknown, []string{"brokerFlavour"}) {
		t.Errorf("got unknown settings %q", unknown)
	}
	if _, err := New(host, o); err != nil {
		t.Error(err)
	}
	_, err := New(host, Offer{Settings: with(env("one", "b.example"), "drainSeconds", "soon")})
	if err == nil || !strings.Contains(err.Error(), `setting "drainSeconds" is "soon" (bundle)`) {
		t.Errorf("a value that is not allowed: %v", err)
	}
	_, err = New(host, Offer{Settings: env("one", "b.example"), Flags: map[string]string{"drainSeconds": "soon"}})
	if err == nil || !strings.Contains(err.Error(), "(flag --drainSeconds)") {
		t.Errorf("a flag that is not allowed: %v", err)
	}
}

// The URL of a proxy may come in either, also where the other has a port.
func TestProxyURLOfABundle(t *testing.T) {
	_, file, store := enrolled(t)
	p, err := New(read(t, file, store), Offer{Settings: with(env("one", "b.example"), "proxyPort", "1"), Flags: map[string]string{"proxyHost": "http://joe:pw@proxy:3128"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(file, store, nil); err != nil {
		t.Fatal(err)
	}
	if got := read(t, file, store).Settings; got.ProxyURL().String() != "http://joe:pw@proxy:3128" {
		t.Errorf("stored: %v", got.ProxyURL())
	}
}
