package cli

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// steers reports whether a terminal may obey r instead of showing it: control characters, and those
// that change the direction of text.
func steers(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// Printable returns text without what would steer a terminal or stay invisible on it: it keeps
// letters, marks, numbers, punctuation, symbols, spaces, line feeds and tabs. Bytes that are not
// UTF-8 become "?".
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) || r == '\n' || r == '\t' {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "?"))
}

// Line is [Printable] as one line: line breaks and tabs inside become spaces, those at the end go.
func Line(text string) string {
	text = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ").Replace(strings.TrimRight(text, "\r\n"))
	return Printable(text)
}

// PrintableWriter passes text on to a terminal without what would steer it. Root's terminal shows
// what lesser users wrote: an escape sequence in a log, a setting or the version of an interpreter
// must not act on it.
type PrintableWriter struct {
	to   io.Writer
	held []byte // the end of the last write: half a character, or a carriage return
}

// NewPrintableWriter returns a writer that passes text on to w.
func NewPrintableWriter(w io.Writer) *PrintableWriter { return &PrintableWriter{to: w} }

// Write replaces by "?" control characters but tab and line feed, what changes the direction of
// text, bytes that are not UTF-8, and carriage returns in the middle of a line.
func (p *PrintableWriter) Write(b []byte) (int, error) {
	text := append(p.held, b...)
	clean := make([]byte, 0, len(text))
	for len(text) > 0 && utf8.FullRune(text) {
		r, size := utf8.DecodeRune(text)
		if r == '\r' && len(text) == 1 {
			break
		}
		switch {
		case r == '\r' && text[1] == '\n', r == '\n', r == '\t':
			clean = append(clean, byte(r))
		case r == utf8.RuneError && size == 1, steers(r):
			clean = append(clean, '?')
		default:
			clean = append(clean, text[:size]...)
		}
		text = text[size:]
	}
	p.held = append([]byte(nil), text...)
	if _, err := p.to.Write(clean); err != nil {
		return 0, err
	}
	return len(b), nil
}
