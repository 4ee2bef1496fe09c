package service

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/test/need"
)

// set returns the directives that a unit sets, each with its last value.
func set(unit string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(unit) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			all[name] = value
		}
	}
	return all
}

// impliesNNP are what makes systemd set NoNewPrivileges for a service that has User=, each measured
// alone: sudo then cannot become anybody.
var impliesNNP = strings.Fields(`NoNewPrivileges PrivateDevices ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectClock
	ProtectHostname RestrictSUIDSGID RestrictNamespaces RestrictRealtime LockPersonality MemoryDenyWriteExecute SystemCallArchitectures
	SystemCallFilter RestrictAddressFamilies PrivateUsers`)

// units are all of them by name; hardened.service is the agent's with its drop-in.
func units(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := fs.Glob(Texts, "systemd/*")
	if err != nil || len(names) < 10 {
		t.Fatalf("got the units %v, %v", names, err)
	}
	for _, name := range names {
		text, err := Texts.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[path.Base(name)] = string(text)
	}
	all["hardened.service"] = Unit + all["hardened.conf"]
	delete(all, "hardened.conf")
	return all
}

func TestServiceLeavesSudoWorking(t *testing.T) {
	unit := set(Unit)
	for _, name := range impliesNNP {
		if _, is := unit[name]; is {
			t.Errorf("%s takes sudo away; it belongs into hardened.conf", name)
		}
	}
	for _, capability := range []string{"CAP_SETUID", "CAP_SETGID", "CAP_DAC_READ_SEARCH", "CAP_AUDIT_WRITE"} {
		if !strings.Contains(unit["CapabilityBoundingSet"], capability) {
			t.Errorf("sudo needs %s", capability)
		}
	}
	if got := set(units(t)["hardened.service"])["NoNewPrivileges"]; got != "yes" {
		t.Errorf("hardened.conf: NoNewPrivileges=%s", got)
	}
}

func TestJobsOutliveTheAgent(t *testing.T) {
	for name, unit := range map[string]map[string]string{"service": set(Unit), "hardened": set(units(t)["hardened.service"])} {
		for _, directive := range []string{"PrivateTmp", "RemoveIPC", "ProtectProc", "RestrictSUIDSGID"} {
			if value, is := unit[directive]; is {
				t.Errorf("%s: %s=%s ends or hides jobs", name, directive, value)
			}
		}
	}
	unit := set(Unit)
	for directive, want := range map[string]string{"KillMode": "process", "OOMPolicy": "continue", "StartLimitIntervalSec": "0", "RestartForceExitStatus": "75"} {
		if unit[directive] != want {
			t.Errorf("%s=%s, want %s", directive, unit[directive], want)
		}
	}
	if _, is := unit["RestartPreventExitStatus"]; is {
		t.Error("RestartPreventExitStatus would leave a host without an agent after a bad update")
	}
}

// files writes the units where systemd-analyze finds them; the programs of the package are not on
// this machine, so /bin/true stands in for them.
func files(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{}
	for name, unit := range units(t) {
		unit = regexp.MustCompile(`/(usr/libexec|run)/threatconnect-envsvr[a-z-]*/\S+`).ReplaceAllString(unit, "/bin/true")
		unit = strings.ReplaceAll(unit, "Documentation=man:tcenvsvr(1)\n", "")
		all[name] = filepath.Join(dir, name)
		if err := os.WriteFile(all[name], []byte(unit), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestSystemdUnderstandsEveryWord(t *testing.T) {
	analyze := need.Tool(t, "systemd-analyze")
	for name, file := range files(t) {
		if out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestExposure holds the figures that packaging/README.md tells.
func TestExposure(t *testing.T) {
	analyze := need.Tool(t, "systemd-analyze")
	all := files(t)
	for name, most := range map[string]float64{"threatconnect-envsvr.service": 6.7, "hardened.service": 2.1, "tc-job@.service": 3.1,
		"threatconnect-envsvr-update.service": 1.5, "threatconnect-envsvr-bless.service": 1.5} {
		out, err := exec.Command(analyze, "security", "--offline=true", all[name]).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		found := regexp.MustCompile(`Overall exposure level.*: ([0-9.]+) `).FindSubmatch(out)
		if found == nil {
			t.Fatalf("%s: no figure in\n%s", name, out)
		}
		if got, _ := strconv.ParseFloat(string(found[1]), 64); got > most {
			t.Errorf("%s: exposure %.1f, want at most %.1f", name, got, most)
		}
	}
}

// TestRootIsShutIn holds what makes root's side of self-update safe to have: no network, and
// nothing to write but programs and what is known about them.
func TestRootIsShutIn(t *testing.T) {
	for _, name := range []string{"update", "bless"} {
		unit := set(units(t)["threatconnect-envsvr-"+name+".service"])
		for directive, want := range map[string]string{
			"PrivateNetwork": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "ProtectHome": "yes", "Type": "oneshot",
			"RestrictAddressFamilies": "AF_UNIX", "CapabilityBoundingSet": "CAP_DAC_OVERRIDE", "StartLimitIntervalSec": "1min",
		} {
			if unit[directive] != want {
				t.Errorf("%s: %s=%s, want %s", name, directive, unit[directive], want)
			}
		}
		for dir := range strings.FieldsSeq(unit["ReadWritePaths"]) {
			if !strings.HasPrefix(strings.TrimPrefix(dir, "-"), "/opt/threatconnect-envsvr") && !strings.HasSuffix(dir, "/threatconnect-envsvr-updater") {
				t.Errorf("%s may write %s", name, dir)
			}
		}
		if unit["MemoryMax"] == "" || unit["SystemCallFilter"] == "" {
			t.Errorf("%s: MemoryMax=%s SystemCallFilter=%s", name, unit["MemoryMax"], unit["SystemCallFilter"])
		}
		for _, wants := range []string{name + ".path", name + ".timer"} {
			if !strings.Contains(Unit, "threatconnect-envsvr-"+wants) {
				t.Errorf("the agent's unit does not want %s", wants)
			}
			if got := set(units(t)["threatconnect-envsvr-"+wants])["PartOf"]; got != "threatconnect-envsvr.service" {
				t.Errorf("%s is part of %q", wants, got)
			}
		}
	}
}

func TestOnlyThePackageDecidesWhatIsStarted(t *testing.T) {
	for name, unit := range units(t) {
		for line := range strings.Lines(unit) {
			if strings.Contains(line, "tcenvsvr slot ") && !strings.Contains(line, "/usr/libexec/threatconnect-envsvr/tcenvsvr slot ") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
	if alone := Standalone(); strings.Contains(alone, " slot ") || strings.Contains(alone, "-update.") || strings.Contains(alone, "-bless.") {
		t.Errorf("the unit for hosts without the package needs the package:\n%s", alone)
	}
}
