package packaging

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/test/need"
)

// fakeAgent writes down what happens to it, asks for one restart, and then runs until it is told to
// stop.
const fakeAgent = `#!/bin/sh
say() { echo "$*" >>DIR/record; }
say "$1 $(id -un) $TCENVSVR_HOME $TCENVSVR_LOGLEVEL"
[ "$1" = run ] || exit 0
trap 'say term; exit 0' TERM
trap 'say hup' HUP
[ "$(grep -c '^run' DIR/record)" -gt 1 ] || exit 75
say ready
while :; do sleep 0.05; done
`

func TestSysV(t *testing.T) {
	need.Root(t) // it becomes another user
	need.Tool(t, "setpriv")
	need.Tool(t, "pkill")
	// Where the tests run under nohup, a shell could not trap what it finds ignored.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hup) })
	dir, err := os.MkdirTemp("", "sysv") // nobody must get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	text, err := os.ReadFile("service/initd/sysv.sh")
	if err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer("program=/usr/libexec/threatconnect-envsvr/tcenvsvr", "program="+dir+"/agent", "/var/run/", dir+"/", "/var/log/", dir+"/",
		"/etc/threatconnect-envsvr/environment", dir+"/environment", "USER=threatconnect", "USER=nobody").Replace(string(text))
	record := filepath.Join(dir, "record")
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"threatconnect-envsvr", script, 0o755},
		{"agent", strings.ReplaceAll(fakeAgent, "DIR", dir), 0o755},
		{"environment", "TCENVSVR_LOGLEVEL=debug\n", 0o644},
		{"record", "", 0o666},
		{".", "", 0o755},
	} {
		file := filepath.Join(dir, f.name)
		if f.name != "." {
			if err := os.WriteFile(file, []byte(f.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(file, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	service := func(verb string, want int) {
		t.Helper()
		c := exec.Command(filepath.Join(dir, "threatconnect-envsvr"), verb)
		out, _ := c.CombinedOutput()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Fatalf("%s: exit %d, want %d\n%s", verb, got, want, out)
		}
	}
	lines := func(line string, count int) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			text, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(text), line+"\n") >= count {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%q did not happen %d times:\n%s", line, count, text)
			}
		}
	}
	service("status", 3)
	service("start", 0)
	t.Cleanup(func() { service("stop", 0) })
	lines("run nobody /opt/threatconnect-envsvr debug", 2) // the second after it asked for a restart
	lines("ready", 1)
	service("status", 0)
	service("start", 0) // once is enough
	service("reload", 0)
	lines("hup", 1)
	service("restart", 0)
	lines("term", 1)
	lines("ready", 2)
	service("stop", 0)
	lines("term", 2)
	service("status", 3)
	service("condrestart", 0) // stopped stays stopped
	service("status", 3)
}
