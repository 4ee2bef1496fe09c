package host

import (
	"strings"
	"testing"
)

// TestRootsOwnFolder does what an administrator does first, in /root, which nobody else may enter,
// with names that are short.
func TestRootsOwnFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud()
	s.shared("noop")
	s.install(older)
	root := func(line string) (string, error) { return s.Try("bash", "-c", "cd /root && "+line) } // which exports PWD
	works := func(line, says string) {
		t.Helper()
		if out, err := root(line); err != nil || !strings.Contains(out, says) {
			t.Errorf("%s (%v): want %q:\n%s", line, err, says, out)
		}
	}
	fails := func(line, says string) {
		t.Helper()
		if out, err := root(line); err == nil || !strings.Contains(out, says) {
			t.Errorf("%s (%v): want a failure and %q:\n%s", line, err, says, out)
		}
	}
	_, err := s.cloud.Do(s.ctx, "bundle", "lab", "--name", "one", "-o", s.Share+"/bundle.zip")
	must(t, err, "downloading the bundle")
	s.Run("chmod", "700", "/root")
	s.Run("install", "-m", "600", "/share/bundle.zip", "/share/noop.tcx", "/root")
	s.Write("/root/masterkey", "correct horse battery staple\n", 0o600)

	fails("tcenvsvr enroll bundel.zip --yes", "open bundel.zip: no such file or directory")
	fails("tcenvsvr enroll bundle.zip --yes --master-key-file masterky", "masterky: no such file or directory")
	works("tcenvsvr enroll bundle.zip --yes --master-key-file masterkey", "enrolled as server")
	fails("tcenvsvr app run nop.tcx", "open nop.tcx: no such file or directory")
	works("tcenvsvr app run noop.tcx", "running as tc-job by sudo")
	fails("tcenvsvr app run noop.tcx --out result", `as user "threatconnect", who may not`)
	works("tcenvsvr support-bundle -o support.tar.gz && tar -tzf support.tar.gz", "doctor.txt")
	fails("tcenvsvr update import bundle.zip", "it is no bundle of")

	settings := state + "/settings.yaml"
	s.Run("chown", "root:", settings)
	fails("tcenvsvr doctor", "the agent may not read it (mode 0600, owner root)")
	fails("tcenvsvr settings show", `"tcenvsvr host apply" puts the agent's own files right`)
	works("tcenvsvr host apply && tcenvsvr settings check", "the settings are right")
	if out, err := s.Try("runuser", "-u", "alice", "--", "tcenvsvr", "doctor"); strings.Contains(out, "Apps run as the agent's own user") {
		t.Errorf("the doctor tells alice, who may not read the settings, what is in them (%v):\n%s", err, out)
	}
	if out, err := s.Try("runuser", "-u", "threatconnect", "--", "tcenvsvr", "host", "check"); err == nil || !strings.Contains(out, "run it as root") {
		t.Errorf("host check as the agent's user (%v):\n%s", err, out)
	}
	if out := s.Run("dnf", "-y", "remove", product); strings.Contains(out, "warning: file") {
		t.Errorf("dnf remove complains of folders:\n%s", out)
	}
}
