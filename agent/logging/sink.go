package logging

import (
	"fmt"
	"io"
	"sync"
)

// sink writes records to the file and never fails.
//
//	writing ── error ──► losing (told on stderr) ── success ──► writing (loss told in the file)
type sink struct {
	name   string
	file   io.Writer
	stderr io.Writer

	mu   sync.Mutex
	lost int  // records since the file failed
	torn bool // the last record in the file lacks its end
}

// Write writes one record, or counts it as lost.
func (s *sink) Write(record []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := record
	if s.lost > 0 {
		out = append(lossOf(s.lost), record...)
	}
	if s.torn {
		out = append([]byte("\n"), out...)
	}
	n, err := s.file.Write(out)
	if err == nil {
		s.lost, s.torn = 0, false
		return len(record), nil
	}
	if n > 0 {
		s.torn = true
	}
	if s.lost++; s.lost == 1 {
		_, _ = fmt.Fprintf(s.stderr, "writing log %q: %v; records are dropped until it works again\n", s.name, err)
	}
	return len(record), nil
}
