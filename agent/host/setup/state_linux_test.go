package setup_test

import (
	"strings"
	"testing"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/host/setup/hosttest"
)

// What the agent refuses of its own files is put right; what somebody put in their place is told,
// and nothing is done to it.
func TestStateIsGivenBack(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	state := layout.Home + "/.tcenvsvr"
	hosttest.Sh(t, "cd "+state+" && echo secret > keystore.p12 && echo '{}' > keychain.json && mkdir -p logs journal && chown threatconnect: keychain.json logs && "+
		"chmod 640 keystore.p12 && chmod 2770 keychain.json && chmod 777 logs")
	if said, err := hosttest.Report(t, h.Check); err == nil || !strings.Contains(said, `keystore.p12" belongs to root`) || !strings.Contains(said, "has mode 2770, not 0600") {
		t.Errorf("check: %v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	got := hosttest.Sh(t, "cd "+state+" && stat -c '%n %U:%G %a' keystore.p12 keychain.json logs journal")
	want := "keystore.p12 threatconnect:threatconnect 600\nkeychain.json threatconnect:threatconnect 600\n" +
		"logs threatconnect:threatconnect 750\njournal threatconnect:threatconnect 700\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	for name, plant := range map[string]string{
		"a link":      "ln -s /opt/victim keystore.p12",
		"a pipe":      "mkfifo keystore.p12",
		"a folder":    "mkdir keystore.p12",
		"a hard link": "ln /opt/victim keystore.p12",
		"a device":    "mknod keystore.p12 c 1 3",
		"another's":   "touch keystore.p12 && chown nobody keystore.p12",
	} {
		t.Run(name, func(t *testing.T) {
			hosttest.Sh(t, "echo of root > /opt/victim && chmod 600 /opt/victim && cd "+state+" && rm -rf keystore.p12 && "+plant)
			before := hosttest.Sh(t, "stat -c '%U %a' /opt/victim; stat -c '%F %U %a' "+state+"/keystore.p12")
			said, err := hosttest.Report(t, hosttest.Apply(h))
			if err == nil || !strings.Contains(said, "keystore.p12") {
				t.Errorf("apply: %v\n%s", err, said)
			}
			// The agent plants it between look and deed.
			hosttest.Sh(t, "cd "+state+" && rm -rf keystore.p12 && echo secret > keystore.p12")
			found, err := setup.StateFiles(t.Context(), h)
			if err != nil || len(found) != 1 {
				t.Fatalf("found %v, %v", found, err)
			}
			hosttest.Sh(t, "cd "+state+" && rm keystore.p12 && "+plant)
			if err := found[0].Do(t.Context()); err == nil || err.Error() != "it was exchanged meanwhile: try again" {
				t.Errorf("exchanged meanwhile: got %v", err)
			}
			if after := hosttest.Sh(t, "stat -c '%U %a' /opt/victim; stat -c '%F %U %a' "+state+"/keystore.p12"); after != before {
				t.Errorf("before %q, after %q", before, after)
			}
		})
	}
}
