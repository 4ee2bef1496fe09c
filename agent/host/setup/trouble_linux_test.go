package setup_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup/hosttest"
	"tcenvsvr/agent/host/tool"
)

// TestTrouble: what is odd about a host has a name, and keeps nothing else from being done.
func TestTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		make  string   // what is odd
		users bool     // whether users are made all the same
		say   []string // what Apply says
	}{
		"no auth line":           {"echo 'account required pam_unix.so' > /etc/pam.d/su", true, []string{`su: "/etc/pam.d/su" is left without our lines (the agent uses sudo, so nothing depends on su): it has no auth line`}},
		"unbalanced markers":     {"echo '# BEGIN threatconnect-envsvr' >> /etc/pam.d/su", true, []string{"su: error", "do not match"}},
		"no su":                  {"rm /etc/pam.d/su", true, []string{`there is no "/etc/pam.d/su"`}},
		"sudoers by hand":        {"printf 'threatconnect ALL=(tc-job) NOPASSWD: ALL # mine\n' > /etc/sudoers.d/threatconnect; chmod 440 /etc/sudoers.d/threatconnect", true, []string{"changed by hand, and is kept"}},
		"sudoers broken":         {"echo 'no such rule' > /etc/sudoers.d/threatconnect; chmod 440 /etc/sudoers.d/threatconnect", true, []string{"is not valid: visudo says: ", "set aside as threatconnect~"}},
		"a later rule forbids":   {"printf 'threatconnect ALL=(ALL) !ALL\n' > /etc/sudoers.d/zz; chmod 440 /etc/sudoers.d/zz", true, []string{"threatconnect cannot become tc-job: running sudo: "}},
		"tc-job is root":         {"useradd -o -u 0 -M tc-job", false, []string{`user "tc-job" is root (uid 0)`}},
		"one uid for both":       {"useradd -u 4711 -M threatconnect; useradd -o -u 4711 -M -g threatconnect tc-job", false, []string{"are the same (uid 4711)"}},
		"tc-job may do too much": {"groupadd -f wheel; useradd -M -G wheel tc-job", true, []string{`user "tc-job" is in group "wheel", and with it every App: gpasswd -d tc-job wheel`}},
		"tc-job is expired":      {"useradd -M tc-job; chage -E 0 tc-job", true, []string{`the account of "tc-job" has expired: su refuses`, "chage -E -1 tc-job"}},
		"tc-job's password":      {"useradd -M tc-job; chage -d 0 tc-job", true, []string{`the password of "tc-job" has expired: su refuses`}},
		"threatconnect's":        {"useradd -M threatconnect; chage -E 0 threatconnect", true, []string{"sudo and su refuse to work for it", "cannot become tc-job"}},
		"a closed folder above":  {"useradd -M threatconnect; useradd -M tc-job; chmod 700 /opt", true, []string{`access: the folder "/opt", on the way to "/opt/threatconnect-envsvr", cannot be passed by user "threatconnect": the service does not start: user "threatconnect" cannot pass the folder "/opt" (mode 0700): as root "chmod o+x /opt"`, `by user "tc-job": no App can run`}},
		"closed to Apps alone":   {"useradd -M threatconnect; useradd -M -G threatconnect tc-job; gpasswd -d tc-job threatconnect; chgrp threatconnect /opt; chmod 710 /opt", true, []string{`cannot be passed by user "tc-job": no App can run`}},
		"a link for a folder":    {"mkdir -p /opt/threatconnect-envsvr/.tcenvsvr /opt/victim; ln -s /opt/victim /opt/threatconnect-envsvr/.tcenvsvr/exchange", true, []string{`"exchange" is not a folder but a file or a link`}},
		"a file for a folder":    {"mkdir -p /opt/threatconnect-envsvr/.tcenvsvr; touch /opt/threatconnect-envsvr/.tcenvsvr/inbox", true, []string{`"inbox" is not a folder but a file or a link`}},
		"no users can be made":   {"mount --bind /bin/false $(realpath /usr/sbin/useradd)", false, []string{`user "tc-job" does not exist: see the error`, "running useradd: exit status 1"}},
		"no visudo":              {"touch /opt/none; mount --bind /opt/none $(realpath /usr/sbin/visudo)", true, []string{"sudo is not installed (no visudo)", "dnf install sudo"}},
		"a read-only /etc":       {"useradd -M threatconnect; useradd -M tc-job; mount -o remount,bind,ro /etc", true, []string{"read-only file system"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := hosttest.Machine(t)
			t.Cleanup(func() {
				for _, tool := range []string{"/usr/sbin/useradd", "/usr/sbin/visudo"} {
					_ = unix.Unmount(tool, unix.MNT_DETACH)
				}
			})
			hosttest.Sh(t, c.make)
			said, _ := hosttest.Report(t, hosttest.Apply(h))
			for _, want := range c.say {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
			if _, err := tool.LookupUser(t.Context(), layout.Sandbox); c.users && err != nil {
				t.Error(err)
			}
			again, _ := hosttest.Report(t, h.Check)
			for _, never := range []string{"panic", "<nil>"} {
				if strings.Contains(said+again, never) {
					t.Errorf("%s: %s", never, said+again)
				}
			}
		})
	}
}

func TestAUserOfOtherMakingIsTaken(t *testing.T) {
	h := hosttest.Machine(t)
	hosttest.Sh(t, "groupadd -g 70001 people; useradd -M -u 70001 -g people -d /home/svc -s /bin/sh tc-job; useradd -M threatconnect")
	said, err := hosttest.Report(t, hosttest.Apply(h))
	if err != nil || strings.Contains(said, `user "`) {
		t.Fatalf("%v\n%s", err, said)
	}
	if out, err := hosttest.As(t, layout.Agent, "mkdir -m 2770 "+layout.Home+"/.tcenvsvr/exchange/jobs/one"); err != nil {
		t.Fatalf("%q", out)
	}
	if out, err := hosttest.As(t, layout.Sandbox, "touch "+layout.Home+"/.tcenvsvr/exchange/jobs/one/x"); err != nil {
		t.Errorf("%q", out)
	}
}

func TestALinkIsNotFollowed(t *testing.T) {
	h := hosttest.Machine(t)
	hosttest.Sh(t, "mkdir -p -m 755 /opt/victim "+layout.Home+"/.tcenvsvr/exchange; ln -s /opt/victim "+layout.Home+"/.tcenvsvr/exchange/jobs")
	_, err := hosttest.Report(t, hosttest.Apply(h))
	if err == nil {
		t.Error("Apply says that all is well")
	}
	if got := strings.TrimSpace(hosttest.Sh(t, "stat -c %U:%a /opt/victim; getfattr -d -m - /opt/victim 2>/dev/null || :")); got != "root:755" {
		t.Errorf("the link's target has become %s", got)
	}
}

// Some administrators have a group of theirs look after /opt: that is no reason to leave the agent
// without its folders.
func TestAGroupMayWriteTheFolderAbove(t *testing.T) {
	h := hosttest.Machine(t)
	hosttest.Sh(t, "groupadd -g 70002 operators; chgrp operators /opt && chmod 2775 /opt")
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
