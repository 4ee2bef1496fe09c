package version

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"1.0.1", "1.0.0", 1}, {"1.10.0", "1.9.0", 1}, {"2", "1.9.9", 1}, {"1.4", "1.4.0", 0}, {"v1.5.0", "1.4.9", 1},
		{"1.0.0", "1.0.0-beta", 1}, {"1.0.0-beta.10", "1.0.0-beta.9", 1}, {"1.0.0+7", "1.0.0", 0},
		{"1.2.3.4", "0.0.1", -1}, {"final", "draft", 0}, {"", "1.0.0", -1},
	} {
		if got := Compare(tt.a, tt.b); got != tt.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := Compare(tt.b, tt.a); got != -tt.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", tt.b, tt.a, got, -tt.want)
		}
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, in, out string }{
		{"1.x", "1.0.0 1.9.3 1.4 1", "2.0.0 0.9.0 1.5.0-beta final 1.2.3.4"},
		{"1.X.X", "1.0.0", "2.0.0"},
		{"1.4.*", "1.4.0 1.4.17 v1.4.2 1.4.1+build", "1.5.0 1.40.0 1.4.1-rc1"},
		{"*", "0.0.1 7.0.0", "1.0.0-beta final"},
		{">=1.2 <2", "1.2.0 1.2 1.99.0", "1.1.9 2.0.0 2.0.0-rc1"},
		{">=1.2, <2", "1.2.0", "2.0.0"},
		{">= 1.2 < 2", "1.2.0", "2.0.0"},
		{"~1.4", "1.4.0 1.4.9", "1.5.0"},
		{"^1.4", "1.4.0 1.9.9", "2.0.0 1.3.9"},
		{"1.2 - 1.4", "1.2.0 1.4.0", "1.5.0"},
		{"1.x || 3.x", "1.0.0 3.1.0", "2.0.0"},
		{"!=1.4.1", "1.4.0", "1.4.1"},
		{">=1.5.0-0 <2", "1.5.0-beta 1.5.0", "1.4.9"},
		{"", "1.0.0 final 1.0.0-beta", ""},
	} {
		r, err := ParseRange(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if tt.text != "" && !IsRange(tt.text) {
			t.Errorf("%q is a range", tt.text)
		}
		for v := range strings.FieldsSeq(tt.in) {
			if !r.Has(v) {
				t.Errorf("%q has %s", tt.text, v)
			}
		}
		for v := range strings.FieldsSeq(tt.out) {
			if r.Has(v) {
				t.Errorf("%q does not have %s", tt.text, v)
			}
		}
	}
	for _, one := range []string{"1.4", "1.4.0", "v1", "1.0.0-a.x", "1.0.0+build", "final", "xenon", ""} {
		if IsRange(one) {
			t.Errorf("%q is one version", one)
		}
	}
	for _, bad := range []string{">=", "1.2 <", "a.x", "|| ||", "1.x\n2.x\x1b", "> 1 banana", strings.Repeat("1.x || ", 20) + "1.x"} {
		if _, err := ParseRange(bad); err == nil {
			t.Errorf("%q is no range", bad)
		} else if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("the error shows control characters: %q", err)
		}
	}
	if _, err := ParseRange(strings.Repeat("1.x || ", 20)); err == nil || err.Error() != `version range "1.x || 1.x || 1.x ||"… has more than 100 characters` {
		t.Errorf("a long range: got %v", err)
	}
}

func FuzzRange(f *testing.F) {
	for _, s := range []string{"1.x", ">=1.2 <2", "1.4.*", "1.2 - 1.4", "~1 || ^2.3-beta", "x", "1.2.3.4"} {
		f.Add(s, "1.4.2")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		_ = IsRange(text)
		if Compare(text, version) != -Compare(version, text) {
			t.Fatalf("%q and %q: the order depends on who is asked", text, version)
		}
		r, err := ParseRange(text)
		if err != nil || text == "" {
			return
		}
		if r.Has(version) && parse(version) == nil {
			t.Fatalf("%q has %q, which is no version", text, version)
		}
	})
}
