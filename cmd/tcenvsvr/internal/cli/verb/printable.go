package verb

import "io"

// printable passes text on without what would steer a terminal. Root's terminal
// shows what lesser users wrote: an escape sequence in a log, a setting or the
// version of an interpreter must not act on it.
type printable struct {
	to   io.Writer
	lead bool // the last byte was 0xC2: what follows may be a C1 control
}

// Write replaces control characters but tab and line feed by "?".
func (p *printable) Write(b []byte) (int, error) {
	clean := make([]byte, 0, len(b)+1)
	for _, c := range b {
		if p.lead {
			p.lead = false
			if c >= 0x80 && c < 0xA0 {
				clean = append(clean, '?')
				continue
			}
			clean = append(clean, 0xC2)
		}
		switch {
		case c == 0xC2:
			p.lead = true
		case c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7F:
			clean = append(clean, '?')
		default:
			clean = append(clean, c)
		}
	}
	if _, err := p.to.Write(clean); err != nil {
		return 0, err
	}
	return len(b), nil
}
