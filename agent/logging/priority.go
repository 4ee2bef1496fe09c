package logging

import (
	"bytes"
	"io"
)

// priority begins each record with its level in the journal's form, so that journalctl -p warning
// selects by it.
type priority struct{ w io.Writer }

var priorities = []struct{ level, prefix string }{
	{"level=ERROR", "<3>"}, {"level=WARN", "<4>"}, {"level=INFO", "<6>"}, {"level=DEBUG", "<7>"},
}

// Write writes one record, which begins with its level because it has no time.
func (p priority) Write(record []byte) (int, error) {
	for _, row := range priorities {
		if bytes.HasPrefix(record, []byte(row.level)) {
			if _, err := p.w.Write(append([]byte(row.prefix), record...)); err != nil {
				return 0, err
			}
			return len(record), nil
		}
	}
	return p.w.Write(record)
}
