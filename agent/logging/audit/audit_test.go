package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMain lets the test binary be a second process that records.
func TestMain(m *testing.M) {
	if path := os.Getenv("AUDIT_TEST_WRITER"); path != "" {
		write(path, os.Getenv("AUDIT_TEST_NAME"), 200)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func write(path, name string, n int) {
	l := Open(path)
	l.max = 8 << 10
	for i := range n {
		l.Record(OrderAccepted, "writer", name, "n", i)
	}
}

type act struct {
	Time, Act, User string
	PID             int
	Writer          string
	N               int
}

// read returns the acts of all files, and fails on a line that is torn.
func read(t *testing.T, path string) []act {
	t.Helper()
	files, _ := filepath.Glob(path + "*")
	var all []act
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
			var a act
			if err := json.Unmarshal(s.Bytes(), &a); err != nil {
				t.Fatalf("%s: line %q: %v", file, s.Text(), err)
			}
			all = append(all, a)
		}
	}
	return all
}

type password string

func (password) LogValue() slog.Value { return slog.StringValue("[redacted]") }

func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "audit.jsonl")
	Open(path).Record(SettingsChanged, "keys", []string{"proxyHost"}, "value", password("hunter2"))
	got := read(t, path)
	if len(got) != 1 || got[0].Act != "settings_changed" || got[0].User == "" || got[0].PID != os.Getpid() || !strings.HasSuffix(got[0].Time, "Z") {
		t.Errorf("got %+v", got)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("hunter2")) || !bytes.Contains(text, []byte(`"keys":["proxyHost"]`)) {
		t.Errorf("line %q, %v", text, err)
	}
	var none *Log
	none.Record(Enrolled) // records nothing and does not fall
}

// Several processes and goroutines fill and rotate the same file: every line is whole and is there
// once.
func TestManyWritersLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var wg sync.WaitGroup
	for p := range 3 {
		wg.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), "AUDIT_TEST_WRITER="+path, fmt.Sprintf("AUDIT_TEST_NAME=process %d", p))
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Go(func() { write(path, "here", 100) })
	wg.Wait()
	// 700 lines of some 130 bytes are eleven files of 8 KB, of which ten are kept.
	seen := map[string]bool{}
	for _, a := range read(t, path) {
		key := fmt.Sprint(a.Writer, a.N)
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
	}
	if _, err := os.Stat(path + ".1"); err != nil {
		t.Errorf("nothing was rotated: %v", err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) < maxOld+1 && len(seen) != 700 {
		t.Errorf("%d lines in %d files; want 700", len(seen), len(files))
	}
}

func TestTheOldestFileGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := Open(path)
	l.max = 1
	for i := range maxOld + 5 {
		l.Record(OrderAccepted, "n", i)
	}
	files, _ := filepath.Glob(path + "*")
	if len(files) != maxOld {
		t.Errorf("%d files; want %d", len(files), maxOld)
	}
}

func TestLostActsAreCounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "no", "such")
	var said []error
	l := Open(filepath.Join(dir, "logs", "audit.jsonl")).OnError(func(err error) { said = append(said, err) })
	l.Record(Enrolled)
	l.Record(Enrolled)
	if len(said) != 1 || !strings.Contains(said[0].Error(), `recording "enroll"`) {
		t.Errorf("said %v; want it once", said)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l.Record(Unenrolled)
	got := read(t, l.path)
	if len(got) != 2 || got[0].Act != "acts_lost" || got[1].Act != "unenroll" {
		t.Errorf("got %+v", got)
	}
}

func BenchmarkRecord(b *testing.B) {
	l := Open(filepath.Join(b.TempDir(), "audit.jsonl"))
	for b.Loop() {
		l.Record(OrderAccepted, "order", "o-1.1", "app", "my_app", "version", "1.0.0")
	}
}

// TestHalfALine is what a crash of the host leaves: it stays by itself.
func TestHalfALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	half := `{"time":"2026-11-26T04:0`
	if err := os.WriteFile(path, []byte(half), 0o640); err != nil {
		t.Fatal(err)
	}
	Open(path).Record(OrderAccepted, "n", 7)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	var a act
	if lines[0] != half || json.Unmarshal([]byte(lines[1]), &a) != nil || a.N != 7 {
		t.Errorf("%q", text)
	}
}
