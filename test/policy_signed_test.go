package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// TestCloudIsNotBelieved: a server whose policy asks for it runs only Apps that the publisher signed, in
// orders that the operator signed, with secrets that neither cloud nor journal ever hold in clear.
func TestCloudIsNotBelieved(t *testing.T) {
	pythonHere(t)
	path := policyFile(t)
	s := newScene(t)
	c := s.cloud("plant")
	file, err := apps.Build("job", s.Dir)
	s.must(err, "building an App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding an App")
	publisher, publisherKey := s.key("publisher")
	soc, socKey := s.key("soc")
	other, _ := s.key("other")
	s.put(path, fmt.Sprintf(`version: 1
publishers: {acme: [{key: %s}]}
signers: {soc: [{key: %s}]}
orders: {signed: required, sealed-parameters: required}
rules: [{allow: ours, apps: Test_-_Job, publishers: acme}]
`, publisherKey, socKey))
	a := s.agent(c, "plant", "one")
	var status struct {
		SealKey string `json:"seal_key"`
		Policy  struct {
			State, Problem string
			Signed         string `json:"signed_orders"`
			SignedProblem  string `json:"signed_orders_problem"`
		} `json:"policy"`
	}
	out, err := s.tcenvsvr(a, "status", "--json")
	s.must(err, "asking for the status")
	s.must(json.Unmarshal([]byte(out), &status), "reading the status")
	if p := status.Policy; p.State != "valid" || p.Signed != "required" || p.SignedProblem != "" || !strings.HasPrefix(status.SealKey, "sha256:") {
		t.Fatalf("status: %+v", status)
	}
	if out, err := s.tcenvsvr(a, "keychain", "status"); err != nil || !strings.Contains(out, status.SealKey) {
		t.Errorf("keychain status does not show the sealing key's fingerprint: %v\n%s", err, out)
	}

	const secret = "opensesame-7c1d"
	given := filepath.Join(t.TempDir(), "api_key")
	s.must(os.WriteFile(given, []byte(secret), 0o600), "writing a secret")
	run := func(flags ...string) execution {
		t.Helper()
		out, err := c.Do(s.ctx, append([]string{"run", "plant", "Test_-_Job@1.0.0", "--detach", "--param", "owner=me", "--param", "api_key=@" + given}, flags...)...)
		s.must(err, "giving an order")
		return s.waitEnd(c, strings.TrimSpace(out))
	}
	refused := func(e execution, code, text string) {
		t.Helper()
		if e.State != wire.State(wire.Rejected) || e.Error != code || !strings.Contains(e.Message, text) {
			t.Errorf("it ended %s: %s %s; want rejected, %s, %q", e.State, e.Error, e.Message, code, text)
		}
	}
	sealed := []string{"--seal=api_key", "--pin", status.SealKey}
	signed := append([]string{"--sign-key", soc}, sealed...)

	refused(run(signed...), "policy.denied", `"default"`) // nobody signed the App
	_, err = c.Do(s.ctx, "app", "sign", file, "--key", other, "--upload")
	s.must(err, "signing an App")
	refused(run(signed...), "policy.denied", `"default"`)
	s.must(os.Remove(file+".minisig"), "removing a signature")
	_, err = c.Do(s.ctx, "app", "sign", file, "--key", publisher, "--upload")
	s.must(err, "signing an App")
	if out, err := s.tcenvsvr(a, "policy", "check", file); err != nil || !strings.Contains(out, "publisher  acme") {
		t.Errorf("policy check: %v\n%s", err, out)
	}
	refused(run(sealed...), "policy.denied", "orders must be signed")
	refused(run(append([]string{"--sign-key", other}, sealed...)...), "order.signature", "not trusted here")
	before := s.lacks(secret)
	for range 2 { // the second finds the App installed, and its signature kept
		if e := run(signed...); e.State != wire.State(wire.Partial) {
			t.Errorf("it ended %s: %s %s; want partial", e.State, e.Error, e.Message)
		}
	}
	if !before || !s.lacks(secret) {
		t.Error("the secret is in clear on a disk")
	}
	s.got(a, secret)

	// The memory of what ran, the keys and what is kept of the App outlive the agent.
	a.Stop(time.Minute)
	s.start(a)
	if e := run(signed...); e.State != wire.State(wire.Partial) {
		t.Errorf("after a restart it ended %s: %s %s; want partial", e.State, e.Error, e.Message)
	}
	// Last, because with it the secret is in the cloud.
	refused(run("--sign-key", soc), "policy.denied", "encrypted parameters must be sealed")
	s.silentAbout(secret)
}

// key makes a pair of keys, and returns the secret one's file and the public one.
func (s *scene) key(name string) (file string, public signature.PublicKey) {
	s.t.Helper()
	file = filepath.Join(s.Dir, name+".key")
	_, err := stage.Command(s.ctx, nil, s.CloudBin, "key", "new", file)
	s.must(err, "making a key")
	public, err = signature.ReadPublicKey(file + ".pub")
	s.must(err, "reading a key")
	return file, public
}

// lacks reports whether no file of the scene has the secret.
func (s *scene) lacks(secret string) bool { s.t.Helper(); return s.lacksIn(s.Dir, secret) }

func (s *scene) lacksIn(dir, secret string) bool {
	s.t.Helper()
	lacks := true
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what is removed meanwhile
		}
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(secret)) {
			s.t.Logf("%s has the secret", path)
			lacks = false
		}
		return nil
	})
	return lacks
}

// got checks that an App of Test_-_Job got the secret: it writes its digest.
func (s *scene) got(a *stage.Agent, secret string) {
	s.t.Helper()
	want := sha256.Sum256([]byte(secret))
	all, err := filepath.Glob(filepath.Join(s.paths(a).Jobs, "*", "out", "data", "summary.json"))
	s.must(err, "looking for what the App wrote")
	for _, file := range all {
		text, err := os.ReadFile(file)
		s.must(err, "reading what the App wrote")
		if bytes.Contains(text, []byte(hex.EncodeToString(want[:]))) {
			return
		}
	}
	s.t.Errorf("no App got the secret in clear; %q", all)
}
