//go:build unix

package job

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logging is a script that writes logs.
func logging(t testing.TB, script string) Launch {
	l := shell(t, script)
	l.Logs = filepath.Join(l.Dir, "log")
	return l
}

// gathered is what became of the logs of a job that has ended; "" if there were none.
func gathered(t testing.TB, l Launch) string {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(l.Dir, "shim/log")); os.IsNotExist(err) {
		return ""
	}
	return output(t, l.Dir, Log)
}

func TestLogs(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"none", "true", ""},
		{"the usual one", "echo a >log/app.log; echo b >>log/app.log", "a\nb\n"},
		{"of another name", "echo a >log/Main.log", "==> Main.log <==\na\n"},
		{"several", "printf a >log/app.log; echo b >log/trigger-id-1.log; echo c >log/zz", "a\n==> trigger-id-1.log <==\nb\n==> zz <==\nc\n"},
		{"in folders", "mkdir -p log/a/b/c/d/e; echo x >log/a/b/x.log; echo y >log/a/b/c/d/e/y.log", "==> a/b/x.log <==\nx\n"},
		{"empty and compressed", ": >log/app.log.lck; echo text | gzip >log/app.log.1.gz; echo a >log/app.log", "a\n"},
		{"a name with a newline", "echo a >'log/x\ny'", "==> x?y <==\na\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := logging(t, c.script)
			exit := run(t, l)
			if got := gathered(t, l); got != c.want || exit.Log.Kept != int64(len(c.want)) || exit.Log.Error != "" {
				t.Errorf("got %q, %+v, want %q", got, exit.Log, c.want)
			}
		})
	}
}

// TestLogsAreFollowed while the App runs, also those that are rotated, cut or removed meanwhile.
func TestLogsAreFollowed(t *testing.T) {
	l := logging(t, `step() { until [ -e tmp/$1 ]; do sleep 0.01; done; }
		printf 'one\nhalf of' >log/Main.log; step 1
		echo ' two' >>log/Main.log; step 2
		mv log/Main.log log/Main.log.1; echo three >>log/Main.log.1; echo four >log/Main.log; step 3
		rm log/*; echo five >log/last.log`)
	p := start(t, l)
	want := "==> Main.log <==\none\n"
	for step, next := range []string{"half of two\n", "three\n==> Main.log <==\nfour\n", ""} {
		await(t, filepath.Join(l.Dir, "shim/log"))
		deadline := time.Now().Add(time.Minute)
		for got := ""; got != want; time.Sleep(5 * time.Millisecond) {
			if got = gathered(t, l); time.Now().After(deadline) {
				t.Fatalf("step %d: got %q, want %q", step, got, want)
			}
		}
		if err := os.WriteFile(filepath.Join(l.Dir, "tmp", string(rune('1'+step))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		want += next
	}
	wait(t, p)
	if got := gathered(t, l); got != want+"==> last.log <==\nfive\n" {
		t.Errorf("got %q", got)
	}
}

func TestLogsAreBounded(t *testing.T) {
	l := logging(t, `yes | head -c 300000 >log/app.log; i=0; while [ $i -lt 100 ]; do echo line >log/$i.log; i=$((i+1)); done; truncate -s 4T log/sparse`)
	l.MaxOutput = 10_000
	exit := run(t, l)
	got := gathered(t, l)
	if n := strings.Count(got, "==>"); n > 64 || len(got) < 10_000 || len(got) > 10_200 || !strings.HasSuffix(got, "the rest is in the job's folder]\n") {
		t.Errorf("%d headings, %d bytes, %q", n, len(got), got[max(0, len(got)-100):])
	}
	if exit.Log.Kept != int64(len(got)) || exit.Log.Written < 300_000 {
		t.Errorf("got %+v", exit.Log)
	}
}

// TestHostileLogs: nothing but the App's own files, and nothing that waits.
func TestHostileLogs(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"links":        "ln -s " + secret + " log/app.log; ln -s " + filepath.Dir(secret) + " log/folder",
		"pipe":         "mkfifo log/app.log; touch log/x.log",
		"another's":    "rmdir log; ln -s " + filepath.Dir(secret) + " log",
		"a file":       "rmdir log; echo x >log",
		"a pipe":       "rmdir log; mkfifo log",
		"output taken": "mkdir shim/log; echo x >log/app.log",
	} {
		t.Run(name, func(t *testing.T) {
			l := logging(t, script)
			exit := run(t, l)
			if exit.Code != 0 || exit.Log.Kept != 0 {
				t.Errorf("got %+v", exit)
			}
			if wantErr := name == "output taken"; (exit.Log.Error != "") != wantErr {
				t.Errorf("got error %q", exit.Log.Error)
			}
		})
	}
}
