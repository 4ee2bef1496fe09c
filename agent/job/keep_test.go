//go:build unix

package job

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// leftover is a script whose child does something when it is asked to end, after the App itself has
// said what it has to say.
func leftover(t testing.TB, onTerm, app string) Launch {
	l := shell(t, `( trap '`+onTerm+`; exit 1' TERM; echo >tmp/ready; while :; do sleep 0.02; done ) &
		until [ -e tmp/ready ]; do sleep 0.01; done
		`+app)
	l.Keep = []string{filepath.Join(l.Dir, "out/message.tc"), "out/results.tc"}
	return l
}

// out reads the files of out by name; what is no file is told by its type.
func out(t testing.TB, l Launch) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(l.Dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		files[e.Name()] = e.Type().String()
		if e.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(l.Dir, "out", e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			files[e.Name()] = string(data)
		}
	}
	return files
}

// TestLeftoversDoNotRewriteTheOutcome: what counts is what was there when the App ended by itself.
func TestLeftoversDoNotRewriteTheOutcome(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, onTerm := range map[string]string{
		"written":  "echo interrupted >out/message.tc; echo n = 2 >>out/results.tc",
		"nothing":  ":",
		"removed":  "rm -r out/*",
		"a pipe":   "rm out/message.tc; mkfifo out/message.tc",
		"a folder": "rm out/message.tc; mkdir -p out/message.tc/a/b",
		"a link":   "ln -sf " + secret + " out/message.tc; ln -sf ../tmp/ready out/results.tc",
	} {
		t.Run(name, func(t *testing.T) {
			l := leftover(t, onTerm, "echo Success >out/message.tc; echo n = 1 >out/results.tc")
			exit := run(t, l)
			if exit.Code != 0 || exit.Killed == 0 || exit.Error != "" {
				t.Errorf("got %+v", exit)
			}
			if got := out(t, l); len(got) != 2 || got["message.tc"] != "Success\n" || got["results.tc"] != "n = 1\n" {
				t.Errorf("got %q", got)
			}
		})
	}
	if text, err := os.ReadFile(secret); err != nil || string(text) != "secret\n" {
		t.Errorf("the file behind the link: %q, %v", text, err)
	}
}

// TestWhatWasNotThere: an App without results has none because a leftover wrote some.
func TestWhatWasNotThere(t *testing.T) {
	l := leftover(t, "echo interrupted >out/message.tc; echo n = 2 >out/results.tc; echo rows >out/report.csv", "exit 3")
	if exit := run(t, l); exit.Code != 3 || exit.Error != "" {
		t.Errorf("got %+v", exit)
	}
	if got := out(t, l); len(got) != 1 || got["report.csv"] != "rows\n" {
		t.Errorf("got %q", got)
	}
}

// TestNothingToKeep: what the App makes of its files itself neither holds up the shim nor is read
// by it.
func TestNothingToKeep(t *testing.T) {
	l := leftover(t, ":", "mkfifo out/message.tc; ln -s /etc/passwd out/results.tc")
	if exit := run(t, l); exit.Code != 0 || exit.Error != "" {
		t.Errorf("got %+v", exit)
	}
	for name, text := range out(t, l) {
		if strings.Contains(text, "root") {
			t.Errorf("%s: %q", name, text)
		}
	}
	l = leftover(t, "echo interrupted >out/message.tc", "head -c 2000000 /dev/zero >out/message.tc")
	if exit := run(t, l); exit.Code != 0 || exit.Error != "" {
		t.Errorf("got %+v", exit)
	}
}

// TestOutcomeOutlivesTheAgent: it is in its place when the next agent looks.
func TestOutcomeOutlivesTheAgent(t *testing.T) {
	l := leftover(t, "echo interrupted >out/message.tc", "until [ -e tmp/go ]; do sleep 0.01; done; echo Success >out/message.tc")
	request, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	agent := exec.Command(os.Args[0], "test-agent")
	agent.Stdin = bytes.NewReader(request)
	answer, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := answer.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	_ = agent.Process.Kill()
	_ = agent.Wait()
	p, err := newExecutor(t).Attach(l.Dir, Status{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.Dir, "tmp/go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if exit := wait(t, p); exit.Code != 0 {
		t.Errorf("got %+v", exit)
	}
	if got := out(t, l); got["message.tc"] != "Success\n" {
		t.Errorf("got %q", got)
	}
}
