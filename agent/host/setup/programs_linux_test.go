package setup_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/setup"
	"tcenvsvr/agent/host/setup/hosttest"
)

// TestPrograms: whatever keeps a program from being started is found before an App needs it.
func TestPrograms(t *testing.T) {
	const shim = layout.Libexec + "/" + layout.Shim
	h := hosttest.Machine(t)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	install := "rm -rf " + layout.Libexec + "; install -D -m 755 " + own + " " + layout.Libexec + "/" + layout.Program + "; ln " + layout.Libexec + "/" + layout.Program + " " + shim
	hosttest.Sh(t, install)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || strings.Contains(said, "programs:") {
		t.Fatalf("%v\n%s", err, said)
	}
	for script, want := range map[string]string{
		"rm " + shim:                                      "is missing: no App can be started",
		"truncate -s 100000 " + shim:                      "is cut short or damaged (100000 bytes)",
		"truncate -s -4096 " + shim:                       "is cut short or damaged",
		"truncate -s 0 " + shim:                           "is cut short or damaged (0 bytes)",
		"rm " + shim + "; mkfifo " + shim:                 "is no file",
		"chown tc-job " + shim:                            "belongs to user",
		"chmod 775 " + shim:                               "can be changed by others than root (mode 0775)",
		"ln -sf /nonexistent/shim " + shim:                "is missing",
		"truncate -s 100 " + layout.Libexec + "/tcenvsvr": "is cut short or damaged (100 bytes)",
	} {
		hosttest.Sh(t, install+"; rm "+shim+"; cp -p "+layout.Libexec+"/"+layout.Program+" "+shim+"; "+script)
		if said, err := hosttest.Report(t, h.Check); !errors.Is(err, setup.ErrDeviates) || !strings.Contains(said, want) || !strings.Contains(said, "dnf reinstall threatconnect-envsvr (rpm -V threatconnect-envsvr shows all that was changed)") {
			t.Errorf("%s: %v\n%s", script, err, said)
		}
	}
	// Between look and deed it becomes the agent's.
	hosttest.Sh(t, install+"; chmod 644 "+shim)
	found, err := setup.Programs(t.Context(), h)
	if err != nil || len(found) != 2 || found[1].Do == nil {
		t.Fatalf("found %v, %v", found, err)
	}
	hosttest.Sh(t, "chown threatconnect "+shim)
	if err := found[1].Do(t.Context()); err == nil || err.Error() != "it was exchanged meanwhile: try again" {
		t.Errorf("a file of the agent's: got %v", err)
	}
	if mode := hosttest.Sh(t, "stat -c %a "+shim); mode != "644\n" {
		t.Errorf("its mode has become %s", mode)
	}
	hosttest.Sh(t, install+"; chmod 644 "+shim)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil || !strings.Contains(said, "cannot be executed by everybody who has to (mode 0644): made executable") {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := hosttest.Report(t, h.Check); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// Apps must not read what is open to the agent's group.
func TestOnePrimaryGroup(t *testing.T) {
	h := hosttest.Machine(t)
	if said, err := hosttest.Report(t, hosttest.Apply(h)); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, script := range []string{"usermod -g threatconnect tc-job", "usermod -g tc-job threatconnect"} {
		hosttest.Sh(t, script)
		if said, err := hosttest.Report(t, h.Check); !errors.Is(err, setup.ErrDeviates) || !strings.Contains(said, "have one primary group") || !strings.Contains(said, "usermod -g tc-job tc-job (and usermod -g threatconnect threatconnect)") {
			t.Errorf("%s: %v\n%s", script, err, said)
		}
		hosttest.Sh(t, "usermod -g tc-job tc-job; usermod -g threatconnect threatconnect")
	}
}
