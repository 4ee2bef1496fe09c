package test

import (
	"errors"
	"os"
	"os/exec"
	"strings"

	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// enrollmentKilled kills enroll before each step of its writing: the host is the old server or the
// new one, whole, and can be enrolled again.
func (s *scene) enrollmentKilled(c *stage.Cloud, a *stage.Agent) {
	strace := need.Tool(s.t, "strace")
	xid, err := a.Do(s.ctx, "settings", "get", "serverXid")
	s.must(err, "asking for the server's name")
	old := strings.TrimSpace(xid)
	file := s.bundle(c, "lab", "killed")
	password, err := os.ReadFile(a.Home + "-masterkey")
	s.must(err, "reading the master password")
	chain, err := keychain.Open(s.paths(a).Keychain)
	s.must(err, "opening the keychain")
	s.must(chain.Unlock(password), "unlocking the keychain")

	for _, at := range []struct {
		name, call, file string // the system call on the file in the state folder
		new, again       bool
	}{
		{"its keystore gets a name", "renameat", "/keystore.p12.next", false, false},
		{"settings are locked", "openat", "/settings.yaml.lock", false, false},
		{"settings get their name", "renameat", "/settings.yaml", false, true},
		{"the keystore is exchanged", "renameat", "/keystore.p12", true, true},
		{"the old renewal is removed", "unlinkat", "/keystore.p12.renewed", true, false},
	} {
		victim, err := a.Copy("victim")
		s.must(err, "copying the agent")
		p := s.paths(victim)
		out, err := exec.CommandContext(s.ctx, strace, "-f", "-qq", "-o", "/dev/null", "-P", p.State+at.file, "-e", "inject="+at.call+":signal=KILL",
			s.AgentBin, "enroll", file, "--yes", "--replace", "--home", victim.Home).CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() {
			s.t.Fatalf("before %s: not killed: %v\n%s", at.name, err, out)
		}
		set, _, err := settings.Load(settings.Options{File: p.Settings, Unseal: chain.Unseal})
		s.must(err, "before "+at.name+": reading settings")
		id, err := identity.Load(p.Keystore, set.KeystorePassword.Reveal())
		s.must(err, "before "+at.name+": reading the keystore")
		if got := id.Leaf().Subject.CommonName; got != set.ServerXID || got == old == at.new {
			s.t.Errorf("before %s: it is server %q by its settings and %q by its certificate; it was %q", at.name, set.ServerXID, got, old)
		}
		if at.again {
			out, err := s.tcenvsvr(victim, "enroll", file, "--yes", "--replace")
			s.must(err, "before "+at.name+": enrolling again: "+out)
		}
		s.must(os.RemoveAll(victim.Home), "removing the victim")
	}
}
