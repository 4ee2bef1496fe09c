package local

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJobState(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	left, err := readState(file)
	if err != nil || len(left) != 0 {
		t.Fatalf("before the first run: %v, %v", left, err)
	}
	for i, step := range []map[string]string{{"last_run": "1"}, {"last_run": "2", "<more>": "ü\n"}} {
		if err := writeState(file, left, step); err != nil {
			t.Fatal(err)
		}
		if left, err = readState(file); err != nil || len(left) != i+1 || left["last_run"] != step["last_run"] {
			t.Errorf("got %v, %v", left, err)
		}
	}
	if err := writeState(file, left, map[string]string{"x": strings.Repeat("x", maxState)}); err == nil || strings.Contains(err.Error(), "xxx") {
		t.Errorf("too much is kept: %v", err)
	}
	if after, err := readState(file); err != nil || !maps.Equal(after, left) {
		t.Errorf("after a failure: %v, %v", after, err)
	}
	if err := writeState(filepath.Join(file, "below"), left, nil); err == nil {
		t.Error("written below a file")
	}
	if _, err := readState(filepath.Dir(file)); err == nil {
		t.Error("a folder is read")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func FuzzJobState(f *testing.F) {
	for _, text := range []string{
		`{"last_run": "1"}`, `{}`, "", "{", `{"a": 1}`, `{"a": {"b": "c"}}`, `{"a": "1", "a": "2"}`, `[]`, `{"a": "b"} x`, `{"a"`, `null`, strings.Repeat(" ", maxState) + "{}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		left, err := parseState(data)
		if err != nil {
			if err.Error() != errState.Error() {
				t.Errorf("%v quotes what it read", err)
			}
			return
		}
		text, err := json.Marshal(left)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseState(text); len(text) <= maxState && (err != nil || !maps.Equal(again, left)) {
			t.Errorf("%q is %q when it is written and read, %v", left, again, err)
		}
	})
}
