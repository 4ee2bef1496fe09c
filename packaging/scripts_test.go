package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/need"
)

func scripts(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(found) < 5 {
		t.Fatalf("got %v, %v; want the five scriptlets", found, err)
	}
	return append(found, "service/initd/sysv.sh", filepath.Join(build(t).Stage, "scripts/postinst"))
}

func TestScriptsAreCleanShell(t *testing.T) {
	shellcheck := need.Tool(t, "shellcheck")
	for _, script := range scripts(t) {
		command(t, "/bin/sh", "-n", script)
		command(t, shellcheck, "-x", "-P", "SCRIPTDIR", "-s", "sh", script)
	}
}

// world is a PATH on which each tool tells that it was called, and fails where it is told to. No
// script may reach another.
type world struct {
	t    *testing.T
	dir  string
	fail string
	same bool // both users have one uid
}

func (w *world) run(script string, args ...string) (calls string, code int) {
	w.t.Helper()
	if _, err := os.Stat(libexec); err == nil {
		w.t.Skip("the package is installed here; its scripts would act on this host")
	}
	record := filepath.Join(w.dir, "calls")
	_ = os.Remove(record)
	stub := "#!/bin/sh\necho \"${0##*/} $*\" >>" + record + "\ncase \" " + w.fail + " \" in *\" ${0##*/} \"*) exit 1 ;; esac\n" +
		"[ \"${0##*/}\" != id ] || case \"$*\" in *tc-job) echo " + map[bool]string{false: "991", true: "990"}[w.same] + " ;; *) echo 990 ;; esac\n"
	for _, tool := range []string{"getent", "groupadd", "useradd", "id", "systemctl", "systemd-tmpfiles", "rm", "find"} {
		if err := os.WriteFile(filepath.Join(w.dir, tool), []byte(stub), 0o700); err != nil {
			w.t.Fatal(err)
		}
	}
	c := exec.Command("/bin/sh", append([]string{script}, args...)...)
	c.Env = []string{"PATH=" + w.dir}
	out, err := c.CombinedOutput()
	if err != nil && c.ProcessState.ExitCode() < 0 {
		w.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	text, err := os.ReadFile(record)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(text), c.ProcessState.ExitCode()
}

func TestUsersAreCreatedOnce(t *testing.T) {
	there := &world{t: t, dir: t.TempDir()}
	if calls, code := there.run("scripts/preinstall.sh", "1"); code != 0 || strings.Contains(calls, "add") {
		t.Errorf("users exist: exit %d, calls\n%s", code, calls)
	}
	none := &world{t: t, dir: t.TempDir(), fail: "getent groupadd useradd"}
	if calls, code := none.run("scripts/preinstall.sh", "1"); code == 0 || !strings.Contains(calls, "groupadd -r threatconnect") {
		t.Errorf("a user that cannot be created must stop the transaction: exit %d, calls\n%s", code, calls)
	}
	fresh := &world{t: t, dir: t.TempDir(), fail: "getent"}
	calls, code := fresh.run("scripts/preinstall.sh", "1")
	for _, want := range []string{"groupadd -r tc-job", "useradd -r -g threatconnect -d /opt/threatconnect-envsvr -M -s /bin/sh", "useradd -r -g tc-job"} {
		if code != 0 || !strings.Contains(calls, want) {
			t.Errorf("exit %d, want %q in\n%s", code, want, calls)
		}
	}
}

// TestNothingElseStopsATransaction runs the other scripts where each tool fails.
func TestNothingElseStopsATransaction(t *testing.T) {
	w := &world{t: t, dir: t.TempDir(), fail: "getent systemctl systemd-tmpfiles rm find"}
	for script, arguments := range map[string][]string{
		"postinstall": {"1", "2", "configure"}, "posttrans": {"1", "2"},
		"preremove": {"0", "1", "remove", "upgrade"}, "postremove": {"0", "1", "remove", "purge", "upgrade"},
	} {
		for _, argument := range arguments {
			if calls, code := w.run("scripts/"+script+".sh", argument); code != 0 {
				t.Errorf("%s %s: exit %d, calls\n%s", script, argument, code, calls)
			}
		}
	}
}

func TestOnlyARemovalUndoes(t *testing.T) {
	w := &world{t: t, dir: t.TempDir()}
	for argument, undoes := range map[string]bool{"0": true, "remove": true, "1": false, "upgrade": false} {
		calls, _ := w.run("scripts/preremove.sh", argument)
		if got := strings.Contains(calls, "find /opt/threatconnect-envsvr/a/bin"); got != undoes {
			t.Errorf("preremove %s: undoes %v, want %v; calls\n%s", argument, got, undoes, calls)
		}
		if strings.Contains(calls, ".tcenvsvr") || strings.Contains(calls, "userdel") {
			t.Errorf("preremove %s touches the admin's data or users:\n%s", argument, calls)
		}
	}
}

// TestOneUser: with one uid for agent and Apps nothing is installed, and an upgrade, after which
// the agent runs no App, goes on.
func TestOneUser(t *testing.T) {
	for script, want := range map[string]int{"1": 1, "install": 1, "2": 0, "upgrade": 0} {
		w := world{t: t, dir: t.TempDir(), same: true}
		if calls, code := w.run("scripts/preinstall.sh", script); code != want {
			t.Errorf("preinstall %s: exit code %d, want %d; calls:\n%s", script, code, want, calls)
		}
	}
}
