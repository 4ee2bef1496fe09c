//go:build unix

package bytecode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/job"
)

// impostor is an interpreter that says what it is and then, when it sees sources, does something
// else: $out is the folder for results, $py the real interpreter, $@ its arguments.
func impostor(t *testing.T, py, does string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "python3.11")
	text := fmt.Sprintf(`#!/bin/sh
py=%s
for last; do :; done
out=$(dirname "$(dirname "$last")")/out
if grep -q '"sources":\[\]' "$last"; then exec "$py" "$@"; fi
%s
`, py, does)
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHostileCompiler: whatever a compiler that was subverted by a source leaves, nothing is taken
// but plain bytecode of the right source.
func TestHostileCompiler(t *testing.T) {
	py := python(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	const real = `"$py" "$@"` + "\n"
	for name, tt := range map[string]struct {
		does, err, refused string
		files              int
	}{
		"nothing":             {"exit 0", "", "", 0},
		"fails":               {"echo first; echo no luck >&2; exit 7", "code 7: no luck", "", 0},
		"dies":                {"kill -KILL $$", "signal", "", 0},
		"dies late":           {real + "kill -KILL $$", "signal", "", 2},
		"link":                {real + "ln -sf " + secret + " $out/0.pyc", "", "escapes", 1},
		"pipe":                {real + "rm $out/0.pyc; mkfifo $out/0.pyc", "", "no plain file", 1},
		"folder":              {real + "rm $out/0.pyc; mkdir $out/0.pyc", "", "no plain file", 1},
		"huge":                {real + "rm $out/0.pyc; truncate -s 1T $out/0.pyc 2>/dev/null || truncate -s 16777217 $out/0.pyc || exit 0", "", "", 1},
		"empty":               {real + ": > $out/0.pyc", "", "0 bytes", 1},
		"no code":             {real + "truncate -s 16 $out/0.pyc; printf N >> $out/0.pyc", "", "no code", 1},
		"exchanged":           {real + "mv $out/0.pyc $out/x; mv $out/1.pyc $out/0.pyc; mv $out/x $out/1.pyc", "", "another source", 0},
		"another magic":       {real + "printf x | dd of=$out/0.pyc conv=notrunc 2>/dev/null", "", "magic number", 1},
		"checked":             {real + "printf '\\003' | dd of=$out/0.pyc bs=1 seek=4 conv=notrunc 2>/dev/null", "", "flags", 1},
		"timed":               {real + "printf '\\000' | dd of=$out/0.pyc bs=1 seek=4 conv=notrunc 2>/dev/null", "", "flags", 1},
		"more than was asked": {real + "cp $out/0.pyc $out/2.pyc; cp $out/0.pyc $out/../x.pyc; mkdir $out/__pycache__", "", "", 2},
		"out is a link":       {real + "rm -rf $out; ln -s / $out", "escapes", "", 0},
		"out is gone":         {real + "rm -rf $out", "no such file", "", 0},
		"out is a pipe":       {real + "rm -rf $out; mkfifo $out", "not a directory", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := unpack(t, map[string]string{"a.py": "A = 1\n", "b.py": "B = 1\n"})
			stage := t.TempDir()
			set, err := compiler(t, impostor(t, py, tt.does)).Compile(t.Context(), dir, pythonApp, &Record{}, stage)
			if !like(err, tt.err) {
				t.Errorf("got the error %v, want %q", err, tt.err)
			}
			if !like(set.Refused, tt.refused) && name != "huge" {
				t.Errorf("refused: %v, want %q", set.Refused, tt.refused)
			}
			staged, err := os.ReadDir(stage)
			if err != nil || len(staged) != len(set.Files) || len(set.Files) != tt.files {
				t.Errorf("got %q and %d staged (%v), want %d", set.names(), len(staged), err, tt.files)
			}
		})
	}
}

// TestHangingCompiler: what was compiled before its time was up is used.
func TestHangingCompiler(t *testing.T) {
	c := compiler(t, impostor(t, python(t), `"$py" "$@"; trap "" TERM; while :; do sleep 1; done`))
	c.Timeout = 5 * time.Second
	dir := unpack(t, map[string]string{"a.py": "A = 1\n", "b.py": "B = 1\n"})
	set, err := c.Compile(t.Context(), dir, pythonApp, &Record{}, t.TempDir())
	if !like(err, "ended after 5s") || len(set.Files) != 2 {
		t.Errorf("got %v and %q", err, set.names())
	}
}

// TestStoppedCompiler: an agent that stops waits for no compiler, and takes nothing from it.
func TestStoppedCompiler(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	c := compiler(t, impostor(t, python(t), `"$py" "$@"; : > `+mark+`; trap "" TERM; while :; do sleep 1; done`))
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(mark); err == nil {
				stop()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	set, err := c.Compile(ctx, unpack(t, map[string]string{"a.py": "A = 1\n"}), pythonApp, &Record{}, t.TempDir())
	if !errors.Is(err, context.Canceled) || len(set.Files) != 0 {
		t.Errorf("got %v and %q", err, set.names())
	}
}

// TestHostileSources: sources that the compiler dies of, or hangs at, cost their own bytecode only.
func TestHostileSources(t *testing.T) {
	py := python(t)
	names := []string{"a.py", "die.py", "b.py", "hang.py", "die2.py", "c.py", "exit.py", "d.py"}
	files := map[string]string{}
	for _, name := range names {
		files[name] = ""
	}
	dir, out := unpack(t, files), t.TempDir()
	for _, workers := range []int{1, 3, 20} {
		data, err := json.Marshal(input{Out: out, Dir: dir, Sources: names, Workers: workers, Seconds: 2, Memory: sourceMemory})
		if err != nil {
			t.Fatal(err)
		}
		in := filepath.Join(t.TempDir(), "input")
		if err := os.WriteFile(in, data, 0o600); err != nil {
			t.Fatal(err)
		}
		script := filepath.Join(t.TempDir(), "script")
		harm := `
from builtins import compile as real
def compile(source, path, *args, **kw):
    import os, signal, time
    if "die" in path: os.kill(os.getpid(), signal.SIGSEGV)
    while "hang" in path: time.sleep(1)
    if "exit" in path: os._exit(5)
    return real(source, path, *args, **kw)
sys.exit(main(`
		if err := os.WriteFile(script, []byte(strings.Replace(string(program), "\nsys.exit(main(", harm, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(py, "-I", "-S", "-B", script, in).CombinedOutput(); err != nil {
			t.Errorf("%d workers: %v: %s", workers, err, out)
		}
		for n, name := range names {
			path := filepath.Join(out, strconv.Itoa(n)+".pyc")
			if _, err := os.Stat(path); (err == nil) != (len(name) == len("a.py")) {
				t.Errorf("%d workers: %s: %v", workers, name, err)
			}
			_ = os.Remove(path)
		}
	}
}

// TestExposed: where Apps could change what another's compiler makes, nothing is compiled.
func TestExposed(t *testing.T) {
	c := compiler(t, python(t))
	c.Build.Sandboxed = true
	for _, level := range []job.Level{"", job.IsolationOff, job.IsolationFiltered} {
		c.Build.World = func(context.Context) (job.Isolation, error) { return job.Isolation{Level: level}, nil }
		if _, err := c.Compile(t.Context(), unpack(t, map[string]string{"a.py": ""}), pythonApp, &Record{}, t.TempDir()); !like(err, build.ErrExposed.Error()) {
			t.Errorf("level %q: got %v", level, err)
		}
	}
}
