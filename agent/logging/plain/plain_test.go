package plain

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"Ünïcode → ok \u00a0.":      "Ünïcode → ok \u00a0.",
		"one\ntwo\r\nthree\tfour\n": "one two three four",
		"over\rwritten":             "over?written",
		"\x1b[31mred\x1b[0m":        "?[31mred?[0m",
		"C1 \u009b31m, raw \x9b31m": "C1 ?31m, raw ?31m",
		"\u202egnp.exe":             "?gnp.exe",
		"pay\u200bpal, \ufeffmark":  "pay?pal, ?mark",
		"a\u2028b\u2029c\x7f\x00":   "a?b?c??",
		"half \xe2\x80":             "half ??",
		"ends\r\n\r":                "ends",
		"می\u200cخواهم 👨\u200d👩\u200d👧": "می\u200cخواهم 👨\u200d👩\u200d👧",
		"\xff\x1b[1m\x00\u0085\u2028":   "??[1m???",
		"already replaced: \ufffd":      "already replaced: \ufffd",
	} {
		got := Line(in)
		if got != want {
			t.Errorf("Line(%q): got %q, want %q", in, got, want)
		}
		if again := Line(got); again != got {
			t.Errorf("Line(%q): a second time gives %q", got, again)
		}
	}
}

func TestName(t *testing.T) {
	if got, want := Name("a\nb\r\nc\td\x1b.csv ü"), "a?b??c?d?.csv ü"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextKeepsLines(t *testing.T) {
	if got, want := Text("plain\ttext\r\n\x1b[1m\r\n"), "plain\ttext\r\n?[1m\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in                   string
		n                    int
		head, tail, tailRune string
	}{
		{"", 0, "", "", ""},
		{"", 5, "", "", ""},
		{"abc", 3, "abc", "abc", "abc"},
		{"abcdef", 5, "ab…", "bcdef", "bcdef"},
		{"abcdef", 3, "…", "def", "def"},
		{"abcdef", 2, "ab", "ef", "ef"},
		{"abcdef", 0, "", "", ""},
		{"abcdef", -1, "", "", ""},
		{"äöü", 5, "ä…", "öü", "äöü"},
		{"ää", 3, "…", "ä", "ää"},
		{"ää", 1, "", "", "ä"},
		{"a\xffb", 5, "a\ufffdb", "a\ufffdb", "a\ufffdb"},
		{"a\xffb", 2, "a", "b", "\ufffdb"},
	} {
		if got := Head(tt.in, tt.n); got != tt.head {
			t.Errorf("Head(%q, %d): got %q, want %q", tt.in, tt.n, got, tt.head)
		}
		if got := Tail(tt.in, tt.n); got != tt.tail {
			t.Errorf("Tail(%q, %d): got %q, want %q", tt.in, tt.n, got, tt.tail)
		}
		if got := TailRunes(tt.in, tt.n); got != tt.tailRune {
			t.Errorf("TailRunes(%q, %d): got %q, want %q", tt.in, tt.n, got, tt.tailRune)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\x1b[2Jb\r\nc\xff\u202e", 4)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n %= 1000
		line, text := Line(s), Text(s)
		if !utf8.ValidString(text) || len(text) > len(s) || len(line) > len(s) || strings.ContainsAny(line, "\r\n\t\x1b") {
			t.Errorf("Line: %q, Text: %q", line, text)
		}
		if Text(text) != text || Line(line) != line {
			t.Errorf("a second time it is another: %q, %q", Text(text), Line(line))
		}
		for _, got := range []string{Head(s, n), Tail(s, n)} {
			if len(got) > max(n, 0) || !utf8.ValidString(got) {
				t.Errorf("%d bytes of %q: %q", n, s, got)
			}
		}
		if got := TailRunes(s, n); utf8.RuneCountInString(got) > max(n, 0) || !utf8.ValidString(got) {
			t.Errorf("%d characters of %q: %q", n, s, got)
		}
	})
}

// A link's path and query stay out of what is told; what went wrong stays in.
func TestWithoutURL(t *testing.T) {
	_, err := (&http.Client{}).Get("nosuch://host/s3cret?ticket=s3cret")
	if got := WithoutURL(err); err == nil || strings.Contains(got.Error(), "s3cret") || !strings.Contains(got.Error(), "nosuch") {
		t.Errorf("got %v of %v", got, err)
	}
	if WithoutURL(nil) != nil || !errors.Is(WithoutURL(io.EOF), io.EOF) {
		t.Error("another error was changed")
	}
}
