package test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// policyFile returns the name of a policy for the agents of this test, in a folder that is root's up to
// the top.
func policyFile(t *testing.T) string {
	t.Helper()
	need.Root(t)
	dir, err := os.MkdirTemp("/run", "tc-policy-")
	if err != nil {
		t.Skipf("there is no folder that only root can write: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "policy.yaml")
	t.Setenv(paths.PolicyVariable, path)
	return path
}

// put replaces a policy as an administrator does.
func (s *scene) put(path, text string) {
	s.t.Helper()
	s.must(os.WriteFile(path+".new", []byte(text), 0o644), "writing a policy")
	long := time.Now().Add(-time.Hour)
	s.must(os.Chtimes(path+".new", long, long), "writing a policy")
	s.must(os.Rename(path+".new", path), "writing a policy")
}

// pings runs an App that answers at once, and returns how that ended.
func (s *scene) pings(c *stage.Cloud, flags ...string) execution {
	s.t.Helper()
	id, err := c.Do(s.ctx, append([]string{"run", "plant", "Test_-_Sleep", "--detach", "--param", "seconds=0"}, flags...)...)
	s.must(err, "giving an order")
	return s.waitEnd(c, strings.TrimSpace(id))
}

func (s *scene) allowed(c *stage.Cloud, why string, flags ...string) {
	s.t.Helper()
	if e := s.pings(c, flags...); e.State != wire.State(wire.Succeeded) {
		s.t.Errorf("%s: it ended %s: %s %s; want it allowed", why, e.State, e.Error, e.Message)
	}
}

func (s *scene) denied(c *stage.Cloud, rule string, flags ...string) {
	s.t.Helper()
	e := s.pings(c, flags...)
	if e.State != wire.State(wire.Rejected) || e.Error != "policy.denied" || !strings.Contains(e.Message, fmt.Sprintf("policy rule %q", rule)) {
		s.t.Errorf("it ended %s: %s %s; want rejected, policy.denied, by rule %q", e.State, e.Error, e.Message, rule)
	}
}

// TestPolicyDecides: what the customer wrote decides over what the cloud orders, at once, and one that is
// not the customer's alone denies everything.
func TestPolicyDecides(t *testing.T) {
	pythonHere(t)
	path := policyFile(t)
	s := newScene(t)
	c := s.cloud("plant")
	file, err := apps.Build("sleep", s.Dir)
	s.must(err, "building an App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding an App")
	tcx, err := os.ReadFile(file)
	s.must(err, "reading an App")
	sum := sha256.Sum256(tcx)

	s.put(path, "version: 1\nrules:\n  - deny: no sleepers\n    apps: Test_-_Sl*\n  - allow: all else\n")
	a := s.agent(c, "plant", "one")
	s.denied(c, "no sleepers") // its package was not fetched
	p := s.paths(a)
	if all, err := filepath.Glob(filepath.Join(p.Programs, "[^.]*")); err != nil || len(all) > 0 {
		t.Errorf("a denied App is installed: %q, %v", all, err)
	}
	s.put(path, "version: 1\nrules: [{allow: others, apps: Other}]\n")
	s.denied(c, "default")
	s.put(path, "version: 1\nrules: [{allow: this very file, sha256: "+hex.EncodeToString(sum[:])+"}]\n")
	s.allowed(c, "its digest")
	s.put(path, "version: 1\nrules: [{allow: short ones, apps: Test_-_Sleep, max-timeout: 30s}]\n")
	s.denied(c, "short ones", "--timeout", "60s")
	s.allowed(c, "its timeout", "--timeout", "20s")
	s.put(path, "version: 1\nrules: [{allow: playbooks, runtimes: playbook}]\n")
	s.denied(c, "default")
	s.put(path, "version: 1\npublishers: {acme: [{key: RWSFolMZ1KR8sAoVG4wQm2yMEJNrs5HF1Cbbat3kTsLhI5CQpKOKF3Gj}]}\nrules: [{allow: ours, publishers: acme}]\n")
	s.denied(c, "default")
	s.put(path, "version: 1\nsigners: {soc: [{key: RWSFolMZ1KR8sAoVG4wQm2yMEJNrs5HF1Cbbat3kTsLhI5CQpKOKF3Gj}]}\norders: {signed: required}\nrules: [{allow: everything}]\n")
	s.denied(c, "orders")

	s.put(path, "version: 1\nrules: [{alow: typo}]\n")
	s.denied(c, "file")
	s.put(path, "version: 1\nrules: [{allow: everything}]\n")
	s.allowed(c, "everything is")
	const somebody = 12345 // as if the agent's user had written it
	s.must(os.Chown(path, somebody, somebody), "giving the policy away")
	s.denied(c, "file")
	out, err := s.tcenvsvr(a, "status", "--json")
	if err != nil || !strings.Contains(out, `"state": "invalid"`) || !strings.Contains(out, "belongs to user 12345") {
		t.Errorf("status says %v, %s; want the policy's problem", err, out)
	}
	for _, command := range []string{"status", "doctor"} {
		if out, _ := s.tcenvsvr(a, command); !strings.Contains(strings.ToLower(out), "every order is denied") {
			t.Errorf("%s does not say that every order is denied:\n%s", command, out)
		}
	}
	s.must(os.Remove(path), "removing the policy")
	s.allowed(c, "there is no policy")

	acts, err := os.ReadFile(p.Audit)
	s.must(err, "reading the audit log")
	for _, want := range []string{`"act":"order_denied"`, `"rule":"no sleepers"`, `"act":"policy_changed"`} {
		if !strings.Contains(string(acts), want) {
			t.Errorf("the audit log lacks %s", want)
		}
	}
	if n := strings.Count(string(acts), `"act":"order_denied"`); n != 8 {
		t.Errorf("%d orders were denied; want 8", n)
	}
	s.must(logged(a, "order is denied"), "reading the log")
	log, err := os.ReadFile(a.Home + ".log")
	s.must(err, "reading the log")
	if n := strings.Count(string(log), "policy cannot be used"); n != 2 {
		t.Errorf("the log says %d times that the policy cannot be used; want once for each change, 2", n)
	}
}
