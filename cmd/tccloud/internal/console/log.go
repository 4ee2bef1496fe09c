package console

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
)

// logLine is one line of a log. Lines have the number that they have in the whole log, whatever part
// of it is shown: a link leads to it.
type logLine struct {
	N      int         `json:"n"`
	Stream wire.Stream `json:"stream"`
	Text   string      `json:"text"`
	Bad    bool        `json:"bad,omitempty"` // it looks like an error
}

// longestLine is in bytes; a longer line is shown as several.
const longestLine = 4 << 10

// lineReader makes lines of the pieces of a log, whose streams come mixed.
type lineReader struct {
	n       int
	partial map[wire.Stream][]byte
	order   []wire.Stream // of partial
}

// take calls line with each line that a piece completes.
func (l *lineReader) take(c v1.Chunk, line func(logLine)) {
	if l.partial == nil {
		l.partial = map[wire.Stream][]byte{}
	}
	if _, ok := l.partial[c.Stream]; !ok {
		l.order = append(l.order, c.Stream)
	}
	rest := append(l.partial[c.Stream], c.Data...)
	for {
		end, skip := cut(rest)
		if end < 0 {
			break
		}
		l.emit(c.Stream, rest[:end], line)
		rest = rest[end+skip:]
	}
	l.partial[c.Stream] = append([]byte(nil), rest...)
}

// cut returns where the first line in b ends, and how many bytes are between it and the next; -1: it
// has not ended yet.
func cut(b []byte) (end, skip int) {
	for i, c := range b {
		switch {
		case c == '\n':
			return i, 1
		case i >= longestLine:
			for end = i; end > i-utf8.UTFMax && !utf8.RuneStart(b[end]); end-- {
			}
			return end, 0
		}
	}
	return -1, 0
}

// end calls line with what the log ended with, without an end of line.
func (l *lineReader) end(line func(logLine)) {
	for _, s := range l.order {
		if rest := l.partial[s]; len(rest) > 0 {
			l.emit(s, rest, line)
		}
	}
	l.partial, l.order = nil, nil
}

func (l *lineReader) emit(s wire.Stream, text []byte, line func(logLine)) {
	l.n++
	t := plainText(text)
	line(logLine{N: l.n, Stream: s, Text: t, Bad: bad.MatchString(t)})
}

var (
	escapes = regexp.MustCompile(`\x1b(\[[0-9:;<=>?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\^_])`)
	bad     = regexp.MustCompile(`(?i)\b(error|exception|traceback|critical|fatal|panic)\b|(Error|Exception)\b`)
)

// plainText is a line without what moves a terminal's cursor or colours it.
func plainText(b []byte) string {
	s := strings.ToValidUTF8(strings.TrimSuffix(string(b), "\r"), "\uFFFD")
	if strings.ContainsRune(s, 0x1b) {
		s = escapes.ReplaceAllString(s, "")
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, s)
}
