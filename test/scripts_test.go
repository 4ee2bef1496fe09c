package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var (
	// matched is a line of a script that looks for a pattern.
	matched = regexp.MustCompile(`^(!? *)(?:\[[^]]*\] *)*(!? *)(?:stdout|stderr|grep)(?: +-count=\d+)? +('(?:[^']|'')*'|\S+)`)
	// loose is a dot between digits that stands for any character, as in a version or an address.
	loose = regexp.MustCompile(`[0-9]\.[0-9]`)
	// brief is what may stand by chance in a digest, a path or a port.
	brief = regexp.MustCompile(`^[0-9A-Za-z]{1,5}$`)
)

// unsound says what is wrong with a line of a script, if anything. Patterns are regular
// expressions: 1.0.0 is also in one of nine key digests.
func unsound(line string) string {
	m := matched.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return ""
	}
	pattern := strings.ReplaceAll(strings.Trim(m[3], "'"), "''", "'")
	switch absent := strings.TrimSpace(m[1]+m[2]) != ""; {
	case loose.MatchString(pattern):
		return `a dot between digits matches any character: write \.`
	case absent && brief.MatchString(pattern):
		return "a word this short can be part of a digest or a path: write what stands around it"
	}
	return ""
}

// TestScriptsMatchWhatTheyMean reads all scripts: a pattern that matches more than it says makes a
// test fail at random, or one that never fails.
func TestScriptsMatchWhatTheyMean(t *testing.T) {
	scripts := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".txtar" {
			return err
		}
		scripts++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(txtar.Parse(text).Comment), "\n") {
			if why := unsound(line); why != "" {
				t.Errorf("%s:%d: %s: %s", path, i+1, line, why)
			}
		}
		return nil
	})
	if err != nil || scripts < 10 {
		t.Errorf("read %d scripts (%v)", scripts, err)
	}
}

func TestUnsoundLinesAreFound(t *testing.T) {
	for line, sound := range map[string]bool{
		`! stdout '1.0.0'`:           false,
		`! stdout '1\.0\.0'`:         true,
		`[unix] ! stderr 3.11`:       false,
		`stdout 'is python 3\.11'`:   true,
		`! stdout .`:                 true,
		`! stdout new`:               false,
		`! stdout '^new$'`:           true,
		`stdout new`:                 true,
		`! grep -count=1 'old' file`: false,
		`exec tool --version 1.0.0`:  true,
	} {
		if got := unsound(line) == ""; got != sound {
			t.Errorf("%s: sound is %v, want %v", line, got, sound)
		}
	}
}
