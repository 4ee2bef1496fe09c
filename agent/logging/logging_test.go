package logging

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModes(t *testing.T) {
	for name, c := range map[string]struct {
		mode               Mode
		dir                bool
		stderr, file, time bool
	}{
		"journald has no file and no time": {Journald, true, true, false, false},
		"terminal has both":                {Terminal, true, true, true, true},
		"terminal without folder":          {Terminal, false, true, false, true},
		"stderr has no file":               {Stderr, true, true, false, true},
		"file has the file only":           {File, true, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, conf := filepath.Join(t.TempDir(), "logs"), Config{Mode: c.mode}
			if c.dir {
				conf.Dir = dir
			}
			var stderr bytes.Buffer
			conf.Stderr = &stderr
			log, _, closeLog := New(conf)
			log.With("component", "x").Info("order accepted", "time", "kept")
			if err := closeLog(); err != nil {
				t.Fatal(err)
			}
			file, _ := os.ReadFile(filepath.Join(dir, FileName))
			for where, got := range map[string]struct {
				text string
				want bool
			}{"stderr": {stderr.String(), c.stderr}, "file": {string(file), c.file}} {
				if has := strings.Contains(got.text, `msg="order accepted" component=x`); has != got.want {
					t.Errorf("%s: got %q", where, got.text)
				}
				if got.want && strings.HasPrefix(got.text, "time=2") != c.time {
					t.Errorf("%s: time in %q: want %v", where, got.text, c.time)
				}
			}
		})
	}
}

func TestLevelChangesWhileRunning(t *testing.T) {
	var out bytes.Buffer
	log, level, _ := New(Config{Mode: Journald, Stderr: &out, Level: slog.LevelWarn})
	log.Info("one")
	level.Set(slog.LevelDebug)
	log.Debug("two")
	if got, want := out.String(), "<7>level=DEBUG msg=two\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if l, err := ParseLevel("Warn"); err != nil || l != slog.LevelWarn {
		t.Errorf("ParseLevel: got %v, %v", l, err)
	}
	if _, err := ParseLevel("loud"); err == nil || !strings.Contains(err.Error(), `"loud"`) {
		t.Errorf("ParseLevel: got %v, want an error that quotes the name", err)
	}
}

// The folder turns into a file and back: told once, counted, recovered.
func TestAFileThatCannotBeWrittenStopsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	log, _, closeLog := New(Config{Mode: File, Dir: dir, Stderr: &stderr})
	defer closeLog()
	log.Info("one")
	log.Info("two")
	if got := strings.Count(stderr.String(), "\n"); got != 2 || !strings.Contains(stderr.String(), "\nwriting log") {
		t.Errorf("stderr: got %q, want where it logs, and one line about that", stderr.String())
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	log.Info("three")
	log.Info("four")
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); strings.Contains(got, "msg=two") || !strings.Contains(got, "count=2\n") || strings.Count(got, "\n") != 3 {
		t.Errorf("file: got %q, want the loss of 2, three and four", got)
	}
}
