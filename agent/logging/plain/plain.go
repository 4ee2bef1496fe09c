package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name returns s with a "?" for everything that is not plain, line breaks and tabs too: no name has
// one by accident. The result is valid UTF-8 and never longer than s.
func Name(s string) string { return marks.Replace(Text(s)) }

// Line returns s as one line: line breaks at its end go, others and tabs become spaces, and
// everything else that is not plain a "?". The result is valid UTF-8 and never longer than s.
func Line(s string) string { return spaces.Replace(Text(strings.TrimRight(s, "\r\n"))) }

var (
	marks  = strings.NewReplacer("\r", "?", "\n", "?", "\t", "?")
	spaces = strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ")
)

// Text returns s with a "?" for everything that is not plain. Line breaks (LF and CRLF) and tabs
// stay; a carriage return elsewhere would overwrite the line, so it does not. The result is valid
// UTF-8 and never longer than s.
func Text(s string) string {
	clean, rest := appendText(make([]byte, 0, len(s)), []byte(s))
	for range rest { // half a character, or a carriage return, at the very end
		clean = append(clean, '?')
	}
	return string(clean)
}

// appendText appends what is plain of text to clean. It returns a rest of at most three bytes that
// can be told only when more text is known.
func appendText(clean, text []byte) (out, rest []byte) {
	for len(text) > 0 && utf8.FullRune(text) {
		r, size := utf8.DecodeRune(text)
		if r == '\r' && len(text) == 1 {
			break
		}
		switch {
		case r == '\n', r == '\t', r == '\r' && text[1] == '\n':
			clean = append(clean, byte(r))
		case r == utf8.RuneError && size == 1, !shown(r):
			clean = append(clean, '?')
		default:
			clean = append(clean, text[:size]...)
		}
		text = text[size:]
	}
	return clean, text
}

// shown reports whether a terminal shows r and does nothing else.
func shown(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r < 0x7f:
		return r >= ' '
	case r < 0xa0:
		return false
	case r == nonJoiner, r == joiner:
		return true
	}
	return !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}
