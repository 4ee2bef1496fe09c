package test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/stage"
)

// fingerprints finds those of sealing keys.
var fingerprints = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// TestSealedParameters: the cloud knows the sealing key from the enrollment on, offers what is
// sealed to the servers that open it alone, and says for whom it waits. Apps get the parameters by
// each of their ways. Keys rotate, and what was sealed to a key that is lost is refused by name.
func TestSealedParameters(t *testing.T) {
	pythonHere(t)
	s := newScene(t)
	c := s.cloud("plant")
	s.add(c, "legacy", "sleep")
	key := filepath.Join(s.Dir, "one-masterkey")
	s.must(os.WriteFile(key, []byte("correct horse battery"), 0o600), "writing a master password")
	one := s.Home("one")
	out, err := s.tcenvsvr(one, "enroll", s.bundle(c, "plant", "one"), "--yes", "--master-key-file", key)
	s.must(err, "enrolling: "+out)
	pin := fingerprints.FindString(out)
	if list, err := c.Do(s.ctx, "server", "list", "--json"); err != nil || pin == "" || !strings.Contains(list, pin) {
		t.Fatalf("the cloud does not know the sealing key %q after the enrollment: %v\n%s\n%s", pin, err, list, out)
	}

	const secret = "opensesame-4b1f"
	given := filepath.Join(t.TempDir(), "secret")
	s.must(os.WriteFile(given, []byte(secret), 0o600), "writing a secret")
	sum := sha256.Sum256([]byte(secret))
	got := "secret_sha256=" + hex.EncodeToString(sum[:])[:12]
	// sealed orders Test - Legacy, which otherwise asks the cloud's API for its parameters.
	sealed := func(to string, flags ...string) string {
		t.Helper()
		out, err := c.Do(s.ctx, append([]string{"run", "plant", "Test_-_Legacy", "--detach", "--param", "name=x", "--param", "secret=@" + given, "--seal=secret", "--pin", to}, flags...)...)
		s.must(err, "giving an order")
		return strings.TrimSpace(out)
	}
	opened := func(id string) {
		t.Helper()
		if e := s.waitEnd(c, id); e.State != wire.State(wire.Succeeded) || !strings.Contains(e.Message, got) || e.Server != "one" {
			t.Errorf("it ended %s on %q: %s %s; want it on one with %s", e.State, e.Server, e.Error, e.Message, got)
		}
	}
	refused := func(id string) {
		t.Helper()
		if e := s.waitEnd(c, id); e.State != wire.State(wire.Rejected) || e.Error != "order.sealed" || !strings.Contains(e.Message, "not sealed to this server") {
			t.Errorf("it ended %s: %s %s; want rejected, order.sealed", e.State, e.Error, e.Message)
		}
	}
	clean := s.lacks(secret)

	// Another server is there and is not offered it; the cloud says for whom it waits.
	s.agent(c, "plant", "two")
	id := sealed(pin)
	s.waitsFor(c, id, "takes orders: one")
	// So large that the parameters come by HTTPS.
	large := filepath.Join(t.TempDir(), "large")
	s.must(os.WriteFile(large, []byte(strings.Repeat("7", 300<<10)), 0o600), "writing a large parameter")
	big := sealed(pin, "--param", "last_run=@"+large)
	s.start(one, "--appsNumberofJobExecutors", "1")
	opened(id)
	opened(big)
	s.isCurrent(one, pin)

	// While its session is open, another host that enrolls as this server does not replace its key.
	xid, err := one.Do(s.ctx, "settings", "get", "serverXid")
	s.must(err, "asking for the server's name")
	again := filepath.Join(s.Dir, "again.zip")
	_, err = c.Do(s.ctx, "bundle", "plant", "--server", strings.TrimSpace(xid), "-o", again)
	s.must(err, "making a bundle")
	out, err = s.tcenvsvr(s.Home("other"), "enroll", again, "--yes", "--master-key-file", key)
	s.must(err, "enrolling another host: "+out)
	if list, err := c.Do(s.ctx, "server", "list", "--json"); err != nil || !strings.Contains(out, "learns the sealing key when the service starts") || !strings.Contains(list, pin) {
		t.Errorf("the sealing key of a connected server was replaced: %v\n%s\n%s", err, out, list)
	}

	// The key is replaced: what was sealed to the one before opens; nobody seals to it any more.
	out, err = s.tcenvsvr(one, "keychain", "rotate")
	s.must(err, "replacing the sealing key: "+out)
	next := fingerprints.FindString(out)
	if next == "" || next == pin {
		t.Fatalf("the new sealing key is %q", out)
	}
	s.isCurrent(one, next)
	s.eventually("waiting for the cloud to know the new key", func() error {
		if list, err := c.Do(s.ctx, "server", "list", "--json"); err != nil || !strings.Contains(list, next) {
			return fmt.Errorf("%v: it knows %v", err, fingerprints.FindAllString(list, -1))
		}
		return nil
	})
	if out, err := c.Do(s.ctx, "run", "plant", "Test_-_Legacy", "--param", "name=x", "--param", "secret=@"+given, "--seal=secret", "--pin", pin); err == nil {
		t.Errorf("it is sealed to a key that was replaced: %s", out)
	}
	opened(sealed(next))

	// It waits while the server is away; when the server comes back, its key is another.
	one.Stop(time.Minute)
	id = sealed(next)
	s.waitsFor(c, id, "takes orders: one")
	out, err = s.tcenvsvr(one, "keychain", "status")
	if err != nil || !strings.Contains(out, "sealing key") || !strings.Contains(out, "refused with order.sealed") {
		t.Errorf("keychain status does not say what the loss of the sealing key means: %v\n%s", err, out)
	}
	out, err = s.tcenvsvr(one, "keychain", "init", "--replace", "--master-key-file", key)
	s.must(err, "starting a keychain anew: "+out)
	if !strings.Contains(out, "given up: ") || !strings.Contains(out, "sealing key") {
		t.Errorf("keychain init does not say that the sealing key is given up:\n%s", out)
	}
	_, err = c.Do(s.ctx, "bundle", "plant", "--server", strings.TrimSpace(xid), "-o", again, "--force")
	s.must(err, "making a bundle")
	out, err = s.tcenvsvr(one, "enroll", again, "--yes", "--master-key-file", key)
	s.must(err, "enrolling anew: "+out)
	last := fingerprints.FindString(out)
	if !strings.Contains(out, "takes the place of one that is lost") || last == "" || last == next {
		t.Errorf("enroll does not say that the sealing key is lost:\n%s", out)
	}
	s.start(one)
	refused(id)
	opened(sealed(last))

	if !clean || !s.lacks(secret) {
		t.Error("the secret is in clear on a disk")
	}
	s.silentAbout(secret)
}

// TestSealingKeyThatBecameKnown: "keychain rotate --forget" takes back what waits for the old key.
func TestSealingKeyThatBecameKnown(t *testing.T) {
	pythonHere(t)
	s := newScene(t)
	c := s.cloud("plant")
	s.add(c, "legacy", "sleep")
	a := s.agent(c, "plant", "one", "--appsNumberofJobExecutors", "1")
	out, err := s.tcenvsvr(a, "keychain", "status")
	s.must(err, "asking for the sealing key: "+out)
	busy, err := s.sleeper(c, "plant", "busy", 300)
	s.must(err, "keeping the server busy")
	s.eventually("waiting for the App to start", func() error { return s.appStarted("busy") })
	id, err := c.Do(s.ctx, "run", "plant", "Test_-_Legacy", "--detach", "--param", "name=x", "--param", "secret=x", "--seal=secret", "--pin", fingerprints.FindString(out))
	s.must(err, "giving an order")
	out, err = s.tcenvsvr(a, "keychain", "rotate", "--forget", "--json")
	s.must(err, "replacing the sealing key: "+out)
	s.isCurrent(a, fingerprints.FindString(out))
	_, err = c.Do(s.ctx, "execution", "cancel", busy)
	s.must(err, "cancelling")
	if e := s.waitEnd(c, strings.TrimSpace(id)); e.State != wire.State(wire.Rejected) || e.Error != "order.sealed" {
		t.Errorf("what was sealed to a key that became known ended %s: %s %s; want rejected, order.sealed", e.State, e.Error, e.Message)
	}
	acts, err := os.ReadFile(s.paths(a).Audit)
	s.must(err, "reading the audit log")
	if n := strings.Count(string(acts), `"act":"seal_key_made"`); n != 2 {
		t.Errorf("the audit log has %d sealing keys; want 2", n)
	}
}

// isCurrent checks which sealing key a server says it has.
func (s *scene) isCurrent(a *stage.Agent, fingerprint string) {
	s.t.Helper()
	if out, err := s.tcenvsvr(a, "keychain", "status"); err != nil || fingerprints.FindString(out) != fingerprint {
		s.t.Errorf("keychain status says %v, %s; want %s", err, out, fingerprint)
	}
}

// waitsFor checks that an order is queued, and says what it waits for.
func (s *scene) waitsFor(c *stage.Cloud, id, what string) {
	s.t.Helper()
	if out, err := c.Do(s.ctx, "execution", "show", id); err != nil || !strings.Contains(out, "queued") || !strings.Contains(out, what) {
		s.t.Errorf("the order does not say that it waits for %q: %v\n%s", what, err, out)
	}
}
