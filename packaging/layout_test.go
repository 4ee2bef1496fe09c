package packaging

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/host/layout"
	"tcenvsvr/agent/host/sudoers"
	"tcenvsvr/agent/job"
	"tcenvsvr/packaging/service"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
)

// texts are the texts of the package that repeat facts of package layout, by name.
func texts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, from := range []fs.FS{embedded, service.Texts, os.DirFS(".")} {
		err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if name != "." && !regexp.MustCompile(`^(scripts|host|systemd|initd|service)`).MatchString(name) {
					return fs.SkipDir
				}
				return nil
			}
			if text, err := fs.ReadFile(from, name); err == nil && strings.Contains(name, "/") && !strings.HasSuffix(name, ".go") {
				all[strings.TrimPrefix(name, "service/")] = string(text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestTextsRepeatTheLayout: scriptlets and units cannot import package layout. Each names what it
// must, by the right name.
func TestTextsRepeatTheLayout(t *testing.T) {
	const program, shim = layout.Libexec + "/" + layout.Program, layout.Libexec + "/" + layout.Shim
	all := texts(t)
	for name, want := range map[string][]string{
		"host/sysusers.conf":     {"u " + layout.Agent + ` - "ThreatConnect Environment Server" ` + layout.Home + " ", "u " + layout.Sandbox + " - "},
		"host/preset.conf":       {"disable " + layout.Service + ".service\n", "disable " + layout.Socket + "\n"},
		"host/environment":       {"TCENVSVR_APPSSANDBOXUSER=" + layout.Sandbox + "\n", "TCENVSVR_HOME=" + layout.Home + "\n"},
		"scripts/preinstall.sh":  {"add " + layout.Agent + " " + layout.Home + " ", "add " + layout.Sandbox + " / ", "id -u " + layout.Agent + ")", "id -u " + layout.Sandbox + ")"},
		"scripts/postinstall.sh": {"libexec=" + layout.Libexec + "\n", filepath.Base(layout.Tmpfiles), layout.Service + ".service " + layout.Socket},
		"scripts/posttrans.sh":   {layout.Service + ".service"},
		"scripts/preremove.sh":   {program + " host remove", layout.Home + "/a/bin " + layout.Home + "/b/bin ", layout.UpdaterState + " ", "pgrep -u " + layout.Sandbox + " ", layout.Service + ".service " + layout.Socket},
		"scripts/postremove.sh":  {"rm -rf " + layout.Run + " " + layout.UpdaterRun + " ", layout.Service + ".service "},
		"host/tmpfiles.conf": {
			"d " + layout.Run + " 0755 root root -\n", "d " + layout.UpdaterRun + " 0755 root root -\n",
			"L " + layout.UpdaterRun + "/" + layout.Shim + " - - - - " + shim + "\n",
		},
		"systemd/" + layout.Service + ".service": {
			"User=" + layout.Agent + "\n", "Group=" + layout.Agent + "\n", "TCENVSVR_HOME=" + layout.Home + "\n", "EnvironmentFile=-" + layout.Etc + "/environment\n",
			"ExecStartPre=+" + program + " slot select\n", "ExecStart=" + layout.UpdaterRun + "/" + layout.Program + " run\n", "ExecStopPost=+" + program + " slot ended ",
			"RestartForceExitStatus=" + strconv.Itoa(handover.ExitRestart) + "\n", "ReadWritePaths=-" + layout.Home + "/" + layout.State + " ",
		},
		"systemd/" + layout.Service + "-update.service": {"ExecStart=" + program + " slot apply\n", "ReadWritePaths=-" + layout.Home + " -" + layout.UpdaterState + " -" + layout.UpdaterRun + "\n"},
		"systemd/" + layout.Service + "-bless.service":  {"ExecStart=" + program + " slot bless ", " -" + layout.UpdaterState + " -" + layout.UpdaterRun + "\n", "SuccessExitStatus=" + strconv.Itoa(handover.ExitRestart) + "\n"},
		"systemd/" + layout.Service + "-update.path":    {layout.Home + "/" + layout.Inbox + "/" + handover.RequestApply + "\n"},
		"systemd/" + layout.Service + "-bless.path":     {layout.Home + "/" + layout.Inbox + "/" + handover.RequestHealthy + "\n"},
		"systemd/tc-job@.service":                       {"User=" + layout.Sandbox + "\n", "Group=" + layout.Sandbox + "\n", "ExecStart=" + layout.UpdaterRun + "/" + layout.Shim + "\n", layout.Home + "/" + layout.Jobs + "\n"},
		"systemd/" + layout.Socket:                      {"ListenStream=" + job.SocketPath + "\n"},
		"initd/sysv.sh":                                 {"TCENVSVR_HOME=" + layout.Home + "\n", "USER=" + layout.Agent + "\n", "program=" + program + "\n", layout.Etc + "/environment"},
		"initd/openrc.sh":                               {layout.Home, layout.Agent, program},
		"initd/launchd.plist":                           {"<string>" + layout.Home + "</string>", "<string>" + layout.Agent + "</string>", "<string>" + program + "</string>"},
	} {
		text, is := all[name]
		if !is {
			t.Errorf("there is no %s", name)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s has not %q", name, w)
			}
		}
	}
}

// TestTextsNameNoOtherPath: each path of ours in them is below one that package layout has.
func TestTextsNameNoOtherPath(t *testing.T) {
	ours := regexp.MustCompile(`/(opt|usr|etc|run|var)/[A-Za-z0-9_./@-]*threatconnect[A-Za-z0-9_./-]*`)
	known := []string{layout.Home, layout.Libexec, layout.Share, layout.Etc, layout.Run, layout.UpdaterRun, layout.UpdaterState,
		"/etc/init.d/" + layout.Service, "/var/run/" + layout.Service + ".pid", "/var/log/" + layout.Service, "/etc/conf.d/" + layout.Service, "/etc/systemd/system/" + layout.Service + ".service"}
	for name, text := range texts(t) {
		for _, path := range ours.FindAllString(text, -1) {
			path = strings.TrimRight(path, ".")
			ok := false
			for _, k := range known {
				ok = ok || path == k || strings.HasPrefix(path, k+"/") || strings.HasPrefix(path, k+".")
			}
			if !ok {
				t.Errorf("%s names %s, which package layout does not know", name, path)
			}
		}
	}
}

// The package ships the file that "tcenvsvr host apply" would write, or each would find the other's
// file changed.
func TestSudoersIsTheRule(t *testing.T) {
	dir := t.TempDir()
	if err := Stage(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "host/sudoers"))
	if err != nil || string(got) != sudoers.Rule {
		t.Errorf("got:\n%s, %v\nwant:\n%s", got, err, sudoers.Rule)
	}
}

func TestProbationIsThatOfTheUpdater(t *testing.T) {
	const name = "systemd/threatconnect-envsvr-bless.service"
	_, rest, _ := strings.Cut(texts(t)[name], "Environment=PROBATION=")
	value, _, _ := strings.Cut(rest, "\n")
	if got, err := time.ParseDuration(value); err != nil || got != slot.DefaultProbation {
		t.Errorf("%s: PROBATION is %q; want %v", name, value, slot.DefaultProbation)
	}
}
