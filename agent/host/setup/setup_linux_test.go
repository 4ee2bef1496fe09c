package setup_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/host/setup/hosttest"
)

// tree is everything below /etc, with modes, to compare.
func tree(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir("/etc", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var sum [32]byte
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(data)
		}
		fmt.Fprintf(&b, "%s %v %x\n", path, info.Mode(), sum[:8])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestApplyDoesEverythingOnceAndCheckAgrees(t *testing.T) {
	h := hosttest.Machine(t)
	before := tree(t)
	said, err := hosttest.Report(t, func(ctx context.Context, tell func(setup.Result)) error { return h.Apply(ctx, true, tell) })
	if err != nil || tree(t) != before {
		t.Fatalf("the dry run: %v\n%s", err, said)
	}
	for _, want := range []string{`user "tc-job" does not exist: created`, `folder "/opt/threatconnect-envsvr/.tcenvsvr/exchange/jobs" does not exist: created`, `sudoers.d/threatconnect" does not exist: written`, "inserted",
		`setting "appsSandboxUser" is not set: Apps would run as the agent's own user and could read its secrets: set to "tc-job"`} {
		if !strings.Contains(said, want) {
			t.Errorf("the dry run does not say %q:\n%s", want, said)
		}
	}
	if said, err := hosttest.Report(t, h.Check); !errors.Is(err, setup.ErrDeviates) || tree(t) != before {
		t.Errorf("Check before Apply: %v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("Apply: %v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, h.Check); err != nil || said != "" {
		t.Errorf("Check after Apply: %v\n%s", err, said)
	}
	after := tree(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || said != "" || tree(t) != after {
		t.Errorf("the second Apply: %v\n%s", err, said)
	}
}

func TestAgentBecomesSandboxUserAndNobodyElseAnybody(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	hosttest.Sh(t, "useradd -M alice")
	for _, c := range []struct {
		user, script string
		works        bool
	}{
		{layout.Agent, "sudo -n -u tc-job id -un", true},
		{layout.Agent, "su tc-job -c 'id -un' </dev/null", true},
		{layout.Agent, "sudo -n -u root id -un", false},
		{layout.Agent, "sudo -n -u alice id -un", false},
		{layout.Agent, "su root -c 'id -un' </dev/null", false},
		{layout.Agent, "su alice -c 'id -un' </dev/null", false},
		{"alice", "sudo -n -u tc-job id -un", false},
		{"alice", "su tc-job -c 'id -un' </dev/null", false},
		{layout.Sandbox, "sudo -n -u threatconnect id -un", false},
		{layout.Sandbox, "su threatconnect -c 'id -un' </dev/null", false},
	} {
		out, err := hosttest.As(t, c.user, c.script)
		if works := err == nil && out == layout.Sandbox; works != c.works {
			t.Errorf("%s: %q: %q, %v; want it to work: %v", c.user, c.script, out, err, c.works)
		}
	}
	if out := hosttest.Sh(t, "su tc-job -c 'id -un'"); strings.TrimSpace(out) != layout.Sandbox {
		t.Errorf("root's su: %q", out)
	}
}

func TestFoldersLetAppsWorkAndNoMore(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	state := layout.Home + "/.tcenvsvr"
	if out, err := hosttest.As(t, layout.Agent, "umask 077; cd "+state+" && echo 'appsSandboxUser: tc-job' > settings.yaml && mkdir -m 2770 exchange/jobs/one && mkdir -m 755 exchange/programs/app && touch exchange/programs/app/x && chmod 644 exchange/programs/app/x"); err != nil {
		t.Fatal(out)
	}
	exchange := state + "/exchange"
	for script, works := range map[string]bool{
		"cat " + exchange + "/programs/app/x":                     true,
		"umask 007; echo > " + exchange + "/jobs/one/result":      true,
		"ls " + exchange + "/jobs":                                false,
		"mkdir " + exchange + "/jobs/ORDER.2":                     false,
		"ln -s ../../settings.yaml " + exchange + "/jobs/ORDER.2": false,
		"mv " + exchange + "/jobs/one " + exchange + "/jobs/two":  false,
		"ls " + state:                                                                          false,
		"cat " + state + "/settings.yaml":                                                      false,
		"ls " + state + "/inbox":                                                               false,
		"touch " + exchange + "/programs/evil":                                                 false,
		"touch " + exchange + "/programs/app/evil":                                             false,
		"echo > " + exchange + "/programs/app/x":                                               false,
		"touch " + layout.Home + "/a/bin/tcenvsvr":                                             false,
		"mv " + exchange + "/programs " + exchange + "/elsewhere":                              false,
		"ls /var/lib/threatconnect-envsvr-updater":                                             false,
		"rm -r " + exchange + "/programs/app":                                                  false,
		"mkdir -m 770 " + exchange + "/jobs/one/deep":                                          true,
		"touch " + exchange + "/jobs/one/private; chmod 600 " + exchange + "/jobs/one/private": true,
	} {
		if out, err := hosttest.As(t, layout.Sandbox, script); (err == nil) != works {
			t.Errorf("%q: %q, %v; want it to work: %v", script, out, err, works)
		}
	}
	// What an App leaves is the agent's to read and to remove.
	if out, err := hosttest.As(t, layout.Agent, "cat "+exchange+"/jobs/one/result && rm -r "+exchange+"/jobs/one"); err != nil {
		t.Errorf("the agent: %q", out)
	}
	if out, err := hosttest.As(t, layout.Agent, "touch "+layout.Home+"/a/bin/x "+layout.Home+"/x 2>/dev/null || mv "+layout.Home+"/a "+layout.Home+"/c"); err == nil {
		t.Errorf("the agent may write its own slots: %q", out)
	}
	if out, err := hosttest.As(t, "nobody", "ls "+exchange+"/programs || ls "+exchange+"/jobs || ls "+state); err == nil {
		t.Errorf("others see %q", out)
	}
	// A mode that somebody broke is put right.
	hosttest.Sh(t, "chmod 2700 "+exchange+"/jobs; setfacl -b "+exchange+"/programs 2>/dev/null || :; chown root "+state)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || !strings.Contains(said, "has mode 2700, not 2770") || !strings.Contains(said, "belongs to 0:") {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, h.Check); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestRemoveGivesTheHostBack(t *testing.T) {
	h := hosttest.Machine(t)
	hosttest.Sh(t, "printf 'auth sufficient pam_rootok.so\n@include common-auth' > /etc/pam.d/su; chmod 640 /etc/pam.d/su; chgrp games /etc/pam.d/su; mkdir -p /etc/fapolicyd/rules.d")
	if said, err := hosttest.Report(t, func(ctx context.Context, tell func(setup.Result)) error { return h.Users(ctx, false, tell) }); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	before := tree(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || !strings.Contains(said, `35-threatconnect-envsvr.rules" does not let Apps be executed: written`) {
		t.Fatalf("%v\n%s", err, said)
	}
	if got := strings.TrimSpace(hosttest.Sh(t, "stat -c %a:%G /etc/pam.d/su")); got != "640:games" {
		t.Errorf("/etc/pam.d/su has become %s", got)
	}
	if said, err := hosttest.Report(t, hosttest.Remove(h)); err != nil || !strings.Contains(said, "removed") {
		t.Fatalf("%v\n%s", err, said)
	}
	hosttest.Sh(t, "rmdir /etc/threatconnect-envsvr/certs.d /etc/threatconnect-envsvr") // folders are for the package to take
	if after := tree(t); after != before {
		t.Errorf("/etc is not what it was:\n%s", after)
	}
	if _, err := os.Lstat(layout.HostState); err == nil {
		t.Error("the backup is left")
	}
	if said, err := hosttest.Report(t, hosttest.Remove(h)); err != nil || said != "" {
		t.Errorf("the second Remove: %v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Errorf("Apply after Remove: %v\n%s", err, said)
	}
}
