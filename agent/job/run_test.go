//go:build unix

package job

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExit(t *testing.T) {
	for _, c := range []struct {
		name, script string
		code         int
		signal       string
	}{
		{"success", "echo hello; echo trouble >&2", 0, ""},
		{"partial", "exit 3", 3, ""},
		{"high code", "exit 255", 255, ""},
		{"signal", "kill -SEGV $$", -1, "SIGSEGV"},
		{"killed", "kill -KILL $$", -1, "SIGKILL"},
		{"real-time signal", "kill -40 $$", -1, "SIG40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := shell(t, c.script)
			exit := run(t, l)
			if exit.Code != c.code || exit.Signal != c.signal || exit.Reason != "" || exit.Error != "" || exit.Killed != 0 {
				t.Errorf("got %+v, want code %d, signal %q", exit, c.code, c.signal)
			}
			if exit.Started.IsZero() || exit.Ended.Before(exit.Started) {
				t.Errorf("started %v, ended %v", exit.Started, exit.Ended)
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	l := shell(t, "echo hello; printf 'line 1\\nlast \\033[1mwords' >&2")
	exit := run(t, l)
	if got := output(t, l.Dir, Stdout); got != "hello\n" {
		t.Errorf("stdout: %q", got)
	}
	if got := output(t, l.Dir, Stderr); got != "line 1\nlast \x1b[1mwords" {
		t.Errorf("stderr: %q", got)
	}
	if want := "line 1\nlast ?[1mwords"; exit.StderrTail != want {
		t.Errorf("tail of stderr: %q, want %q", exit.StderrTail, want)
	}
	if want := (Output{Written: 6, Kept: 6}); exit.Stdout != want {
		t.Errorf("stdout: %+v, want %+v", exit.Stdout, want)
	}
}

// TestSurroundings: the App gets exactly the launch's environment, its own session, the folder,
// three descriptors and signals as they ought to be.
func TestSurroundings(t *testing.T) {
	l := shell(t, `tr '\0' '\n' </proc/$$/environ; pwd; umask; ulimit -c; until [ $(ulimit -n) = 99 ]; do sleep 0.01; done; cat; set -- /proc/self/fd/*; echo $#; grep SigIgn /proc/self/status
		awk '{print ($1 == $5 || $1 == $6) ? "own" : "foreign", $5 == $6 ? "session" : "group"}' /proc/$$/stat`)
	l.WorkDir = filepath.Join(l.Dir, "in")
	l.Env = []string{"B=2 3", "A=é\t=", "PATH=/usr/bin:/bin", "B="}
	l.Limits.OpenFiles = 99
	run(t, l)
	got := output(t, l.Dir, Stdout)
	if want := strings.Join(l.Env, "\n") + "\n/"; !strings.HasPrefix(got, want) {
		t.Errorf("environment: %q, want %q", got, want)
	}
	for _, line := range []string{l.WorkDir, "0007", "0", "4", "SigIgn:\t0000000000000000", "own session"} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("%q is missing in %q", line, got)
		}
	}
}

func TestFiles(t *testing.T) {
	l := shell(t, `cat in/params; stat -c %a in/params in/open; rm in/params`)
	l.Files = []File{
		{Path: filepath.Join(l.Dir, "in/params"), Data: []byte("secret\n")},
		{Path: "in/open", Mode: 0o644, Data: nil},
	}
	if exit := run(t, l); exit.Code != 0 {
		t.Errorf("%+v", exit)
	}
	if got, want := output(t, l.Dir, Stdout), "secret\n600\n644\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if left, _ := os.ReadDir(filepath.Join(l.Dir, "in")); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

func TestTimeout(t *testing.T) {
	l := shell(t, `trap "" TERM; sleep 1000 & sleep 1000`)
	l.Timeout = 50 * time.Millisecond
	exit := run(t, l)
	if exit.Reason != ReasonTimedOut || exit.Code != -1 || exit.Signal != "SIGKILL" {
		t.Errorf("%+v", exit)
	}
	nothingLeft(t, l.Dir)
}

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		code, says string
		change     func(*Launch)
	}{
		{"job.exec_not_found", "no/such", func(l *Launch) { l.Argv[0] = "/no/such" }},
		{"job.exec_not_found", "interpreter", func(l *Launch) { l.Argv[0] = write("script", "#!/no/such\n", 0o755) }},
		{"job.exec_permission", "plain", func(l *Launch) { l.Argv[0] = write("plain", "x", 0o644) }},
		{"job.exec_format", "other", func(l *Launch) { l.Argv[0] = write("other", "\x7fELF other machine", 0o755) }},
		{"job.workdir", "no/such", func(l *Launch) { l.WorkDir = "/no/such" }},
		{"job.workdir", "not a folder", func(l *Launch) { l.WorkDir = "/bin/sh" }},
		{"job.exec_too_large", "", func(l *Launch) { l.Argv = append(l.Argv, strings.Repeat("x", 1<<20)) }},
		{"job.folder", "no such file", func(l *Launch) { l.Dir = "/no/such" }},
		{"job.launch", "id", func(l *Launch) { l.ID = "../x" }},
		{"job.launch", "UTF-8", func(l *Launch) { l.Env = []string{"A=\xff"} }},
		{"job.launch", "is not in", func(l *Launch) { l.Files = []File{{Path: "../x"}} }},
		{"job.files", "in/x", func(l *Launch) { l.Files = []File{{Path: "in/x"}, {Path: "in/x"}} }},
		{"job.files", "no/x", func(l *Launch) { l.Files = []File{{Path: "in/x"}, {Path: "no/x"}} }},
	} {
		t.Run(c.code+" "+c.says, func(t *testing.T) {
			l := shell(t, "true")
			c.change(&l)
			_, err := newExecutor(t).Start(t.Context(), l)
			if e := startError(t, err); e.Code != c.code || !strings.Contains(e.Error(), c.says) {
				t.Errorf("got %q %q, want %q with %q", e.Code, e, c.code, c.says)
			}
			if left, _ := os.ReadDir(filepath.Join(l.Dir, "in")); len(left) > 0 {
				t.Errorf("left in the folder: %v", left)
			}
			if c.code == "job.launch" || c.code == "job.folder" {
				return
			}
			// The next agent learns it, too.
			if exit, ok, err := ReadExit(l.Dir); err != nil || !ok || exit.Reason != ReasonStartFailed || !strings.HasPrefix(exit.Error, c.code) {
				t.Errorf("recorded: %+v, %v, %v", exit, ok, err)
			}
		})
	}
}

func TestOneStartPerFolder(t *testing.T) {
	l := shell(t, "echo once >> out/count")
	run(t, l)
	_, err := newExecutor(t).Start(t.Context(), l)
	if e := startError(t, err); e.Code != "job.claimed" {
		t.Errorf("second start: %q: %v", e.Code, e)
	}
	if data, _ := os.ReadFile(filepath.Join(l.Dir, "out/count")); string(data) != "once\n" {
		t.Errorf("ran: %q", data)
	}
}

// TestLongRun: longer than the shim keeps the memory of its start.
func TestLongRun(t *testing.T) {
	l := shell(t, `sleep 0.8; echo late; (sleep 1000 &); exit 9`)
	if exit := run(t, l); exit.Code != 9 || exit.Stdout.Written != 5 {
		t.Errorf("%+v", exit)
	}
}
