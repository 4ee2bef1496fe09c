package cli

import (
	"bytes"
	"testing"
)

func TestPrintableWriter(t *testing.T) {
	for in, want := range map[string]string{
		"plain: ünï → ok\n\tcode 7\r\n": "plain: ünï → ok\n\tcode 7\r\n",
		"\x1b]0;title\x07\x1b[2J":       "?]0;title??[2J",
		"good\rbad\r\n":                 "good?bad\r\n",
		"\x9b31mred \xe2\x80\xae\xff.":  "?31mred ??.",
		"\u009b31mred \u00a0\x7f":       "?31mred \u00a0?",
	} {
		for size := 1; size <= len(in); size++ { // a character may come in two writes
			var got bytes.Buffer
			p := NewPrintableWriter(&got)
			for rest := []byte(in); len(rest) > 0; {
				n := min(size, len(rest))
				if wrote, err := p.Write(rest[:n]); wrote != n || err != nil {
					t.Fatal(wrote, err)
				}
				rest = rest[n:]
			}
			if got.String() != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", in, size, got.String(), want)
			}
		}
	}
}
