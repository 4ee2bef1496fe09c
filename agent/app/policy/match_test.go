package policy

import (
	"strings"
	"testing"
	"time"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"A", "A", true},
		{"A", "a", false},
		{"A", "AB", false},
		{"", "", true},
		{"*", "", true},
		{"*", "a/b", true},
		{"?", "é", true},
		{"?", "", false},
		{"A*", "A", true},
		{"*A", "BA", true},
		{"*A", "AB", false},
		{"A*C*E", "ABCDE", true},
		{"A*C*E", "ACEC", false},
		{"A**B", "AB", true},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "ab", false},
		{"A B", "A_B", true},
		{"A_B", "A B", true},
		{"[A]", "A", false},
		{"[A]", "[A]", true},
		{`\*`, `\x`, true},
		{"a?c*", "abc", true},
	} {
		if got := glob(c.pattern, c.name); got != c.want {
			t.Errorf("glob(%q, %q): got %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func TestGlobIsNotSlow(t *testing.T) {
	begun := time.Now()
	if glob(strings.Repeat("a*", 128)+"b", strings.Repeat("a", 10_000)) {
		t.Error("it matches")
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		text, version string
		allow, deny   bool
	}{
		{"1.0.2", "1.0.2", true, true},
		{"1.0", "1.0.0", true, true},
		{"1.0.2", "1.0.20", false, false},
		{"1.0.2", "1.0.2+evil", false, true},
		{"1.0.2", "1.0.2-rc1", false, false},
		{"1.0.2", "", false, false},
		{"special", "special", true, true},
		{">=1.2 <2.0", "1.2.0", true, true},
		{">=1.2 <2.0", "1.10.0", true, true},
		{">=1.2 <2.0", "2.0.0", false, false},
		{">=1.2 <2.0", "1.2.0-rc1", false, false},
		{">=1.2 <2.0", "1.2.3.4", false, true},
		{">=1.2 <2.0", "v1.2.3", false, true},
		{">=1.2 <2.0", "", false, true},
		{"<=1.2", "1.2.0", true, true},
		{"<=1.2", "1.2.1", false, false},
		{">1.2", "1.2.0", false, false},
		{">1.2", "1.2.1", true, true},
		{"<99999999999999999999.0", "3.0.0", true, true},
	} {
		v, err := parseVersions(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if allow, deny := v.match(c.version, false), v.match(c.version, true); allow != c.allow || deny != c.deny {
			t.Errorf("%q, %q: got allow %v, deny %v, want %v, %v", c.text, c.version, allow, deny, c.allow, c.deny)
		}
	}
}

func TestTimeoutsHaveOneForm(t *testing.T) {
	for text, want := range map[string]string{
		"90s": "1m30s", "60m": "1h", "4h": "4h", "240m": "4h", "30m": "30m", "20h": "20h", "1h20m": "1h20m", "1h0m1s": "1h0m1s", "10h10m": "10h10m", "1.5s": "1.5s", "100m": "1h40m",
	} {
		got := text
		d, err := timeout(&got)
		again := got
		d2, err2 := timeout(&again)
		if err != nil || err2 != nil || got != want || again != got || d2 != d {
			t.Errorf("%s: got %s, then %s (%v, %v), want %s", text, got, again, err, err2, want)
		}
	}
}
