package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/stage"
)

const (
	policyDir  = "/etc/threatconnect-envsvr"
	policyFile = policyDir + "/policy.yaml"
)

// TestPolicy has an administrator lock a packaged server down as agent/app/policy/README.md says,
// under both runners, and the agent's user and an App try to get round it.
func TestPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud("job", "sleep", "stranger")
	s.install(older)
	if got := strings.TrimSpace(s.Run("stat", "-c", "%U:%G %a", policyDir)); got != "root:root 755" {
		t.Errorf("the package makes %s as %s; want root:root 755", policyDir, got)
	}
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.connected()
	if out := s.Run("tcenvsvr", "doctor"); !strings.Contains(out, "the cloud alone decides which Apps run here") {
		t.Errorf("doctor recommends no policy:\n%s", out)
	}
	publisher, soc := s.key("publisher"), s.key("soc")
	s.Write("/root/draft.yaml", fmt.Sprintf(`version: 1
publishers: {acme: [{key: %s}]}
rules:
  - deny: no sleepers
    apps: Test_-_Sl*
  - allow: ours
    publishers: acme
`, publisher), 0o600)

	t.Run("by sudo", func(t *testing.T) { s.as(t).lockedDown(publisher) })
	s.Run("systemctl", "enable", "--quiet", "--now", "tc-job.socket")
	s.Run("install", "-D", "-m", "644", "/usr/share/"+product+"/hardened.conf", "/etc/systemd/system/"+unit+".d/hardened.conf")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", unit)
	s.connected()
	t.Run("by the socket", func(t *testing.T) { s.as(t).lockedDown(publisher) })
	t.Run("who may look at it", func(t *testing.T) { s.as(t).looks() })
	t.Run("one that does not count", func(t *testing.T) { s.as(t).spoiled() })
	t.Run("the agent's user gets round it", func(t *testing.T) { s.as(t).roundIt() })
	t.Run("sealed and signed", func(t *testing.T) { s.as(t).sealedAndSigned(soc) })
	s.verify("with a policy")
}

// key makes a pair of keys beside the cloud, and returns the public one.
func (s *site) key(name string) string {
	s.t.Helper()
	file := s.secretKey(name)
	_, err := stage.Command(s.ctx, nil, s.release.cloud, "key", "new", file)
	must(s.t, err, "making a key")
	text, err := os.ReadFile(file + ".pub")
	must(s.t, err, "reading a key")
	lines := strings.Fields(string(text))
	return lines[len(lines)-1]
}

func (s *site) secretKey(name string) string {
	return filepath.Join(filepath.Dir(s.Share), name+".key")
}

// finished gives an order and returns how it ended.
func (s *site) finished(name string, flags ...string) execution {
	s.t.Helper()
	out, err := s.cloud.Do(s.ctx, append([]string{"run", "lab", name, "--detach"}, flags...)...)
	must(s.t, err, "ordering "+name)
	id := strings.TrimSpace(out)
	s.eventually("waiting for the end of "+id, func() error {
		if e := s.show(id); !e.Ended {
			return fmt.Errorf("it is %s", e.State)
		}
		return nil
	})
	return s.show(id)
}

// deniedBy gives an order that the policy's rule must deny.
func (s *site) deniedBy(rule, name string, flags ...string) {
	s.t.Helper()
	e := s.finished(name, flags...)
	if e.State != wire.State(wire.Rejected) || e.Error != "policy.denied" || !strings.Contains(e.Message, fmt.Sprintf("policy rule %q", rule)) {
		s.t.Errorf("%s ended %s: %s %s; want it rejected, policy.denied, by rule %q", name, e.State, e.Error, e.Message, rule)
	}
	if acts := s.Read(state + "/logs/audit.jsonl"); !strings.Contains(acts, `"order":"`+e.ID+`.1"`) && !strings.Contains(acts, e.ID) {
		s.t.Errorf("the audit log does not have the denied order %s:\n%s", e.ID, lastLines(acts, 5))
	}
}

// putPolicy puts a draft into its place as the README says.
func (s *site) putPolicy(draft string) {
	s.t.Helper()
	s.Run("install", "-m", "644", draft, policyFile)
}

// lockedDown is a server with the draft in force: a change counts without a restart.
func (s *site) lockedDown(publisher string) {
	s.t.Helper()
	s.Run("rm", "-f", policyFile)
	pid := s.mainPID(unit)
	s.app("partial", "Test_-_Job", "owner=me")
	if out := s.Run("tcenvsvr", "policy", "show", "--policy", "/root/draft.yaml"); !strings.Contains(out, "no sleepers") {
		s.t.Errorf("the draft is shown as:\n%s", out)
	}
	s.shared("job")
	check := []string{"tcenvsvr", "policy", "check", "/share/job.tcx", "--policy", "/root/draft.yaml"}
	s.Refused([]string{"DENIED", "there is no /share/job.tcx.minisig"}, check...)
	s.putPolicy("/root/draft.yaml")
	s.deniedBy("no sleepers", "Test_-_Sleep", "--param", "seconds=0")
	if s.runner() == "sudo" { // later it is signed
		s.deniedBy("default", "Test_-_Job", "--param", "owner=me")
		_, err := s.cloud.Do(s.ctx, "app", "sign", filepath.Join(filepath.Dir(s.Share), "job.tcx"), "--key", s.secretKey("publisher"), "--upload")
		must(s.t, err, "signing an App")
		s.Run("systemctl", "restart", unit) // it remembers for a minute that nobody signed it
		s.connected()
		pid = s.mainPID(unit)
	}
	s.app("partial", "Test_-_Job", "owner=me")
	text, err := os.ReadFile(filepath.Join(filepath.Dir(s.Share), "job.tcx.minisig"))
	must(s.t, err, "reading the signature of an App")
	s.Write("/share/job.tcx.minisig", string(text), 0o644)
	if out := s.Run(check...); !strings.Contains(out, "allowed") || !strings.Contains(out, "acme") {
		s.t.Errorf("policy check says of a signed App:\n%s", out)
	}
	s.Run("rm", "/share/job.tcx.minisig")
	if now := s.mainPID(unit); now != pid {
		s.t.Errorf("the agent's process was %s and is %s; want a change to count without a restart", pid, now)
	}
	if out := s.Run("tcenvsvr", "status"); !strings.Contains(out, policyFile+", 2 rules") {
		s.t.Errorf("status does not show the policy:\n%s", out)
	}
	if out := s.Run("journalctl", "-u", unit, "--no-pager"); !strings.Contains(out, "policy is in force") || !strings.Contains(out, "order is denied") {
		s.t.Errorf("the log does not tell of the policy and of what it denied:\n%s", lastLines(out, 20))
	}
}

func (s *site) runner() string {
	if _, err := s.Try("systemctl", "is-active", "--quiet", "tc-job.socket"); err == nil {
		return "socket"
	}
	return "sudo"
}

// looks is "tcenvsvr policy" as root, as the agent's user and as anybody.
func (s *site) looks() {
	s.t.Helper()
	s.putPolicy("/root/draft.yaml")
	s.Run("cp", "/root/draft.yaml", "/tmp/draft.yaml")
	s.Run("chmod", "644", "/tmp/draft.yaml")
	for _, user := range []string{"root", "threatconnect", "alice"} {
		as := func(args ...string) []string {
			return append([]string{"runuser", "-u", user, "--", "tcenvsvr", "policy"}, args...)
		}
		if out := s.Run(as("show")...); !strings.Contains(out, "deny: no sleepers") {
			s.t.Errorf("%s is shown:\n%s", user, out)
		}
		if out := s.Run(as("show", "--policy", "/tmp/draft.yaml")...); !strings.Contains(out, "deny: no sleepers") {
			s.t.Errorf("%s is shown the draft as:\n%s", user, out)
		}
		s.Refused([]string{"DENIED", "no sleepers"}, as("test", "--app", "Test_-_Sleep")...)
		s.Refused([]string{"DENIED", "default"}, as("test", "--app", "Test_-_Job")...)
		s.Run(as("test", "--app", "Test_-_Job", "--publisher", "acme")...)
	}
	s.Run("chmod", "600", policyFile)
	for _, user := range []string{"threatconnect", "alice"} {
		s.Refused([]string{"permission denied", "chmod 644 " + policyFile}, "runuser", "-u", user, "--", "tcenvsvr", "policy", "show")
	}
	s.Run("chmod", "644", policyFile)
}

// spoiled is every way in which a policy does not count: everything is denied, and all say so.
func (s *site) spoiled() {
	s.t.Helper()
	for _, c := range []struct{ what, do, says string }{
		{"nobody but root can read it", "chmod 600 " + policyFile, "permission denied"},
		{"nobody but root can enter its folder", "chmod 700 " + policyDir, "chmod go+x " + policyDir},
		{"the agent's user owns it", "chown threatconnect " + policyFile, "belongs to user"},
		{"the agent's group can write it", "chgrp threatconnect " + policyFile + " && chmod 664 " + policyFile, "others can write it"},
		{"an access list", "setfacl -m u:threatconnect:rw " + policyFile, "others can write it"},
		{"a symbolic link", "mv " + policyFile + " /root/policy && ln -s /root/policy " + policyFile, "symbolic link"},
		{"a folder", "rm " + policyFile + " && mkdir " + policyFile, "no regular file"},
		{"a pipe", "rm " + policyFile + " && mkfifo -m 644 " + policyFile, "no regular file"},
		{"empty", ": >" + policyFile, "it is empty"},
		{"a typo", "sed -i s/deny:/denny:/ " + policyFile, "denny"},
		{"it never ends", "truncate -s 100G " + policyFile, "longer than"},
		{"its folder is the agent's", "chown threatconnect " + policyDir, "belongs to user"},
		{"others can write its folder", "chmod 777 " + policyDir, "others can write it"},
	} {
		s.Run("sh", "-c", "rm -rf "+policyFile+" /root/policy; chown root "+policyDir+"; chmod 755 "+policyDir)
		s.putPolicy("/root/draft.yaml")
		s.Run("sh", "-c", c.do)
		s.deniedBy("file", "Test_-_Job", "--param", "owner=me")
		if out := s.Run("sh", "-c", "tcenvsvr doctor || true"); !strings.Contains(out, "every order is denied") {
			s.t.Errorf("%s: doctor does not say that every order is denied:\n%s", c.what, out)
		}
		if out := s.Run("tcenvsvr", "status"); !strings.Contains(out, c.says) || !strings.Contains(out, "EVERY ORDER IS DENIED") {
			s.t.Errorf("%s: status does not say %q:\n%s", c.what, c.says, out)
		}
		if out := s.Run("journalctl", "-u", unit, "--no-pager", "-n", "30"); !strings.Contains(out, "policy cannot be used") {
			s.t.Errorf("%s: the log does not tell:\n%s", c.what, out)
		}
	}
	s.Run("sh", "-c", "rm -rf "+policyFile+" /root/policy; chown root "+policyDir+"; chmod 755 "+policyDir)
	s.putPolicy("/root/draft.yaml")
	s.app("partial", "Test_-_Job", "owner=me")
}

// roundIt is what the agent's user tries without being the agent's process: after the next start
// the same policy is in force.
func (s *site) roundIt() {
	s.t.Helper()
	s.putPolicy("/root/draft.yaml")
	was := s.Run("sh", "-c", "sha256sum "+policyFile+"; stat -c '%U:%G %a %i' "+policyDir+" "+policyFile)
	s.Run("systemctl", "stop", unit)
	for _, c := range []string{
		"echo 'version: 1' >" + policyFile,
		"rm -f " + policyFile,
		"mv " + policyFile + " " + policyFile + ".old",
		"touch " + policyDir + "/policy.yaml.new",
		"ln -sf /dev/null " + policyFile,
		"ln " + policyFile + " " + state + "/hard", // fs.protected_hardlinks, and worth nothing where it works
		"chmod 666 " + policyFile,
		"mv " + policyDir + " /etc/other",
		"mount --bind " + state + " " + policyDir,
		"echo TCENVSVR_POLICY=/none >>" + policyDir + "/environment",
		"systemctl set-environment TCENVSVR_POLICY=/none",
		"systemctl edit --runtime --stdin " + unit + " </dev/null",
		"mkdir -p /run/systemd/system/" + unit + ".d",
		"sudo -n TCENVSVR_POLICY=/none systemctl restart " + unit,
		"tcenvsvr settings set policy=/none",
		"tcenvsvr settings set TCENVSVR_POLICY=/none",
	} {
		if out, err := s.Try("runuser", "-u", "threatconnect", "--", "sh", "-c", c); err == nil && !strings.HasPrefix(c, "ln /") {
			s.t.Errorf("the agent's user may do this: %s: %s", c, out)
		}
	}
	// What succeeds is in its own folder or in namespaces of its own: the service does not see it.
	s.Run("runuser", "-u", "threatconnect", "--", "sh", "-c", "cd "+state+` && mkdir -p etc/threatconnect-envsvr .config/environment.d &&
		printf 'version: 1\nrules: [{allow: everything}]\n' >etc/threatconnect-envsvr/policy.yaml && cp etc/threatconnect-envsvr/policy.yaml . &&
		echo TCENVSVR_POLICY=`+state+`/policy.yaml | tee .env .pam_environment environment .config/environment.d/x.conf >/dev/null &&
		echo 'export TCENVSVR_POLICY=`+state+`/policy.yaml' | tee .profile .bashrc .bash_profile >/dev/null &&
		(unshare -Urm mount --bind `+state+`/etc/threatconnect-envsvr `+policyDir+` || true)`)
	s.Run("systemctl", "start", unit)
	s.connected()
	if is := s.Run("sh", "-c", "sha256sum "+policyFile+"; stat -c '%U:%G %a %i' "+policyDir+" "+policyFile); is != was {
		s.t.Errorf("the policy was\n%sand is\n%s", was, is)
	}
	s.deniedBy("no sleepers", "Test_-_Sleep", "--param", "seconds=0")
	if out := s.Run("sh", "-c", "tcenvsvr doctor || true"); !strings.Contains(out, policyFile) {
		s.t.Errorf("doctor does not see the policy:\n%s", out)
	}
}

// sealedAndSigned is the strictest policy: only what the operator signed runs, with secrets that
// the server alone opens.
func (s *site) sealedAndSigned(soc string) {
	s.t.Helper()
	s.Run("sh", "-c", fmt.Sprintf(`{ cat /root/draft.yaml; echo 'signers: {soc: [{key: %s}]}'; echo 'orders: {signed: required, sealed-parameters: required}'; } >/root/strict.yaml`, soc))
	s.putPolicy("/root/strict.yaml")
	s.Refused([]string{"permission denied"}, "runuser", "-u", "alice", "--", "tcenvsvr", "keychain", "rotate")
	pin := strings.TrimSpace(s.Run("tcenvsvr", "keychain", "rotate"))
	if out := s.Run("tcenvsvr", "keychain", "status"); !strings.Contains(out, pin) {
		s.t.Errorf("keychain status does not show the new sealing key %q:\n%s", pin, out)
	}
	s.eventually("waiting for the cloud to know the new sealing key", func() error {
		if out, err := s.cloud.Do(s.ctx, "server", "list", "--json"); err != nil || !strings.Contains(out, pin) {
			return fmt.Errorf("%v: %s", err, out)
		}
		return nil
	})
	secret := filepath.Join(filepath.Dir(s.Share), "api_key")
	must(s.t, os.WriteFile(secret, []byte("opensesame"), 0o600), "writing a secret")
	inputs := []string{"--param", "owner=me", "--param", "api_key=@" + secret}
	s.deniedBy("orders", "Test_-_Job@1.0.0", inputs...)
	s.deniedBy("orders", "Test_-_Job@1.0.0", append(inputs, "--sign-key", s.secretKey("soc"))...)
	e := s.finished("Test_-_Job@1.0.0", append(inputs, "--sign-key", s.secretKey("soc"), "--seal=api_key", "--pin", pin)...)
	if e.State != wire.State(wire.Partial) {
		s.t.Errorf("signed and sealed, it ended %s: %s %s", e.State, e.Error, e.Message)
	}
}
