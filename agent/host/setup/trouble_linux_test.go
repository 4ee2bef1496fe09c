package setup_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup"
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
		"no su":                  {"rm /etc/pam.d/su", true, []string{`there is no "/etc/pam.d/su", so no su to set up; the agent uses sudo`}},
		"sudoers by hand":        {"printf 'threatconnect ALL=(tc-job) NOPASSWD: ALL # mine\n' > /etc/sudoers.d/threatconnect; chmod 440 /etc/sudoers.d/threatconnect", true, []string{"changed by hand, and is kept"}},
		"sudoers broken":         {"echo 'no such rule' > /etc/sudoers.d/threatconnect; chmod 440 /etc/sudoers.d/threatconnect", true, []string{"is not valid: visudo says: ", "set aside as threatconnect~"}},
		"a later rule forbids":   {"printf 'threatconnect ALL=(ALL) !ALL\n' > /etc/sudoers.d/zz; chmod 440 /etc/sudoers.d/zz", true, []string{"threatconnect cannot become tc-job: running sudo: ", `look for a later rule in /etc/sudoers ("sudo -l -U threatconnect"), and that it includes /etc/sudoers.d`}},
		"tc-job is root":         {"useradd -o -u 0 -M tc-job", false, []string{`user "tc-job" is root (uid 0)`}},
		"one uid for both":       {"useradd -u 4711 -M threatconnect; useradd -o -u 4711 -M -g threatconnect tc-job", false, []string{`users "threatconnect" and "tc-job" are the same (uid 4711): Apps could read the agent's secrets; give tc-job another uid`}},
		"tc-job may do too much": {"groupadd -f wheel; useradd -M -G wheel tc-job", true, []string{`user "tc-job" is in group "wheel", and with it every App: gpasswd -d tc-job wheel`}},
		"tc-job is expired":      {"useradd -M tc-job; chage -E 0 tc-job", true, []string{`the account of "tc-job" has expired: su refuses`, "chage -E -1 tc-job"}},
		"tc-job's password":      {"useradd -M tc-job; chage -d 0 tc-job", true, []string{`the password of "tc-job" has expired: su refuses`, "chage -d -1 -M -1 tc-job"}},
		"threatconnect's":        {"useradd -M threatconnect; chage -E 0 threatconnect", true, []string{"sudo and su refuse to work for it", "cannot become tc-job"}},
		"a closed folder above":  {"useradd -M threatconnect; useradd -M tc-job; chmod 700 /opt", true, []string{`access: the folder "/opt", on the way to "/opt/threatconnect-envsvr", cannot be passed by user "threatconnect": the service does not start: user "threatconnect" cannot pass the folder "/opt" (mode 0700): as root "chmod o+x /opt"`, `by user "tc-job": no App can run`}},
		"closed to Apps alone":   {"useradd -M threatconnect; useradd -M -G threatconnect tc-job; gpasswd -d tc-job threatconnect; chgrp threatconnect /opt; chmod 710 /opt", true, []string{`cannot be passed by user "tc-job": no App can run`}},
		"a link for a folder":    {"mkdir -p /opt/threatconnect-envsvr/.tcenvsvr /opt/victim; ln -s /opt/victim /opt/threatconnect-envsvr/.tcenvsvr/exchange", true, []string{`"exchange" is not a folder but a file or a link`}},
		"a file for a folder":    {"mkdir -p /opt/threatconnect-envsvr/.tcenvsvr; touch /opt/threatconnect-envsvr/.tcenvsvr/inbox", true, []string{`"inbox" is not a folder but a file or a link`}},
		"no users can be made":   {"mount --bind /bin/false $(realpath /usr/sbin/useradd)", false, []string{`user "tc-job" does not exist: see the error`, "running useradd: exit status 1", "it is for threatconnect, who do not all exist"}},
		"no visudo":              {"touch /opt/none; mount --bind /opt/none $(realpath /usr/sbin/visudo)", true, []string{"sudo is not installed (no visudo)", "dnf install sudo"}},
		"su includes a folder":   {"mkdir /etc/pam.d/odd; echo 'auth include odd' >> /etc/pam.d/su", true, []string{`including "odd": "/etc/pam.d/odd" is not a file`}},
		"no ACLs":                {"useradd -M threatconnect; useradd -M tc-job; mkdir /opt/threatconnect-envsvr; mount -t ramfs none /opt/threatconnect-envsvr", true, []string{"the file system has no ACLs: mount it with the option acl, or move the folder to one that has them"}},
		"no database of users":   {"printf '#!/bin/sh\\necho threatconnect:x\\n' > /opt/getent; chmod 755 /opt/getent; mount --bind /opt/getent $(realpath /usr/bin/getent)", false, []string{`looking up group entry "threatconnect": getent answered "threatconnect:x\n"`}},
		"a read-only /etc":       {"useradd -M threatconnect; useradd -M tc-job; mount -o remount,bind,ro /etc", true, []string{"read-only file system"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := hosttest.Machine(t)
			t.Cleanup(func() {
				for _, tool := range []string{"/usr/sbin/useradd", "/usr/sbin/visudo", "/usr/bin/getent", layout.Home} {
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

// Who owns a folder above the home could put another one in its place while root sets it up.
func TestAHomeOfSomebody(t *testing.T) {
	h := hosttest.Machine(t)
	hosttest.Sh(t, "useradd -u 70003 -M eve; useradd -u 70004 -M -g root mallory; mkdir /opt/eve /opt/mallory; chown eve /opt/eve; chown mallory /opt/mallory")
	for home, want := range map[string]string{
		"/opt/eve/home":     `setting up the host: user "eve" could put another folder in the place of "/opt/eve/home"` + "\nhint: give a --home whose parents are root's",
		"/opt/mallory/home": `becoming user "mallory": its group is root's` + "\nhint: give it a group of its own",
	} {
		h.Home = home
		for what, do := range map[string]func(context.Context, func(setup.Result)) error{"apply": hosttest.Apply(h), "check": h.Check} {
			if said, err := hosttest.Report(t, do); err == nil || said != "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q\n%s", what, err, want, said)
			}
		}
	}
	hosttest.Sh(t, "printf '#!/bin/sh\necho eve:x\n' > /opt/getent; chmod 755 /opt/getent; mount --bind /opt/getent $(realpath /usr/bin/getent)")
	t.Cleanup(func() { _ = unix.Unmount("/usr/bin/getent", unix.MNT_DETACH) })
	h.Home = "/opt/eve/home"
	if _, err := hosttest.Report(t, h.Check); err == nil || !strings.Contains(err.Error(), `looking up user 70003: getent answered "eve:x\n"`) {
		t.Errorf("a database that is damaged: got %v", err)
	}
}

// A rule of the administrator's own is kept, also by Remove, under a name that sudo ignores.
func TestSudoersByHand(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	hosttest.Sh(t, "chmod 640 /etc/sudoers.d/threatconnect; chown daemon /etc/sudoers.d/threatconnect")
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || !strings.Contains(said, `threatconnect" is 1:0 0640, not root:root 0440: set`) {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, h.Check); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, hosttest.Remove(h)); err != nil || !strings.Contains(said, `threatconnect" has our rule: removed`) {
		t.Errorf("%v\n%s", err, said)
	}
	hosttest.Sh(t, "echo '# mine' > /etc/sudoers.d/threatconnect")
	if said, err := hosttest.Report(t, hosttest.Remove(h)); err != nil || !strings.Contains(said, `threatconnect" was changed by hand: kept as threatconnect~, which sudo ignores`) {
		t.Errorf("%v\n%s", err, said)
	}
	if got := hosttest.Sh(t, "cat /etc/sudoers.d/threatconnect~"); got != "# mine\n" {
		t.Errorf("kept is %q", got)
	}
}

// Where SELinux runs, restorecon is asked. It is played here by what it prints.
func TestLabels(t *testing.T) {
	h := hosttest.Machine(t)
	const wrong = "/opt/threatconnect-envsvr from unconfined_u:object_r:user_home_t:s0 to system_u:object_r:usr_t:s0"
	hosttest.Sh(t, "mkdir -p /run/bin && cp -P /usr/sbin/* /run/bin 2>/dev/null || :; mount --bind /run/bin $(realpath /usr/sbin); mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux && touch /sys/fs/selinux/enforce")
	t.Cleanup(func() {
		_ = unix.Unmount("/sys/fs", unix.MNT_DETACH)
		_ = unix.Unmount("/usr/sbin", unix.MNT_DETACH)
	})
	hosttest.Sh(t, `cat > /usr/sbin/restorecon <<'end'
#!/bin/sh
case "$*" in
"-F -n -v "*) [ -e /run/relabeled ] || echo "Would relabel `+wrong+`" ;;
"-F /opt/threatconnect-envsvr") touch /run/relabeled ;;
*) exit 1 ;;
esac
end
chmod 755 /usr/sbin/restorecon`)
	said, _ := hosttest.Report(t, hosttest.Apply(h))
	if !strings.Contains(said, "labels: SELinux label of "+wrong+": set") {
		t.Errorf("it does not say which label is wrong:\n%s", said)
	}
	if said, _ := hosttest.Report(t, h.Check); strings.Contains(said, "labels:") {
		t.Errorf("it was not set:\n%s", said)
	}
}

// Who is not root sees only the way to what cannot be seen.
func TestCheckByNobody(t *testing.T) {
	const inside = "SETUP_TEST_NOBODY"
	if home := os.Getenv(inside); home != "" {
		h := &setup.Host{Home: home}
		said, err := hosttest.Report(t, h.Check)
		if !errors.Is(err, setup.ErrDeviates) || !strings.Contains(said, `the folder "/opt/closed" cannot be passed by this user: run it as root, who sees everything`) {
			t.Fatalf("%v\n%s", err, said)
		}
		return
	}
	hosttest.Machine(t)
	hosttest.Sh(t, "mkdir -m 700 /opt/closed; mkdir /opt/closed/home")
	c := exec.Command("/proc/self/exe", "-test.run=^TestCheckByNobody$")
	c.Env, c.Dir = append(os.Environ(), inside+"=/opt/closed/home"), "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := c.CombinedOutput(); err != nil || strings.Contains(string(out), "no tests to run") {
		t.Errorf("%v\n%s", err, out)
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
