package plain

import (
	"bytes"
	"testing"
)

func TestWriter(t *testing.T) {
	for in, want := range map[string]string{
		"plain: ünï → ok\n\tcode 7\r\n":       "plain: ünï → ok\n\tcode 7\r\n",
		"\x1b]0;title\x07\x1b[2J":             "?]0;title??[2J",
		"good\rbad\r\n":                       "good?bad\r\n",
		"\x9b31mred \xe2\x80\xae\xff.":        "?31mred ??.",
		"\x07\r\x9b2J\u009b1m":                "???2J?1m",
		"\u202edrow\u200b\u2028\u00a0\u3000.": "?drow??\u00a0\u3000.",
		"\u009b31mred \u00a0\x7f":             "?31mred \u00a0?",
	} {
		for size := 1; size <= len(in); size++ { // a character may come in two writes
			var got bytes.Buffer
			w := NewWriter(&got)
			for rest := []byte(in); len(rest) > 0; {
				n := min(size, len(rest))
				if wrote, err := w.Write(rest[:n]); wrote != n || err != nil {
					t.Fatal(wrote, err)
				}
				rest = rest[n:]
			}
			if got.String() != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", in, size, got.String(), want)
			}
			if text := Text(in); text != want {
				t.Errorf("Text(%q): got %q, want %q", in, text, want)
			}
		}
	}
}
