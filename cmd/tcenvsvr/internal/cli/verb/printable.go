package verb

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// printable passes text on without what would steer a terminal. Root's terminal
// shows what lesser users wrote: an escape sequence in a log, a setting or the
// version of an interpreter must not act on it.
type printable struct {
	to   io.Writer
	held []byte // the end of the last write: half a character, or a carriage return
}

// Write replaces by "?" control characters but tab and line feed, what changes the direction
// of text, bytes that are no UTF-8, and carriage returns in the middle of a line.
func (p *printable) Write(b []byte) (int, error) {
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
		case r == utf8.RuneError && size == 1, unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
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
