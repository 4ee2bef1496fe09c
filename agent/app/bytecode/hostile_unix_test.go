//go:build unix

package bytecode

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// TestHostileCompiler: whatever a compiler that was subverted by a source leaves, nothing is taken but
// plain bytecode of the right source.
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

func like(err error, want string) bool {
	if err == nil || want == "" {
		return err == nil && want == ""
	}
	return strings.Contains(err.Error(), want)
}

// TestExposed: where Apps could change what another's compiler makes, nothing is compiled.
func TestExposed(t *testing.T) {
	c := compiler(t, python(t))
	c.Sandboxed = true
	for _, level := range []job.Level{"", job.IsolationOff, job.IsolationFiltered} {
		c.World = func(context.Context) (job.Isolation, error) { return job.Isolation{Level: level}, nil }
		if _, err := c.Compile(t.Context(), unpack(t, map[string]string{"a.py": ""}), pythonApp, &Record{}, t.TempDir()); !like(err, ErrExposed.Error()) {
			t.Errorf("level %q: got %v", level, err)
		}
	}
}
