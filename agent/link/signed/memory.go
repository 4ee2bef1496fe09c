package signed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/link/wire"
)

const (
	memoryFile  = "signed-orders"
	maxMemory   = 64 << 20 // bytes of the file
	deadAllowed = 1024     // lines that say nothing any more, besides as many as there are live ones
)

// memory is the file of Replays and what it says. Lines are appended and synced; when half of them
// are dead, the file is replaced. After an error a file is not written again, but replaced.
type memory struct {
	path    string
	place   place.Place
	born    int64     // Unix milliseconds: of what was signed earlier it is not known whether it ran
	began   time.Time // when this process began it, by the monotonic clock, too; zero: an older one did
	forgot  int64     // Unix milliseconds: the latest not-after of the entries that are gone
	entries map[wire.OrderID]entry
	lines   int
	file    *os.File // nil: to be replaced before it is written to
}

// load reads the memory. Where there is none, or that of another place, one begins now.
func load(dir string, now time.Time) (*memory, error) {
	at, err := place.Of(dir)
	if err != nil {
		return nil, err
	}
	m := &memory{path: filepath.Join(dir, memoryFile), place: at, born: now.UnixMilli(), entries: make(map[wire.OrderID]entry)}
	data, err := readBounded(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		m.began = now
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", m.path, err)
	}
	was, err := m.parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w; move the file away: what was signed before then is refused", m.path, err)
	}
	if !was.Same(at) { // what the original did since the copy was made is not in it
		m.born, m.began = now.UnixMilli(), now
		for id, e := range m.entries {
			e.spent = true
			m.entries[id] = e
		}
	}
	return m, nil
}

// correct sets the beginning anew where the clock was set since this process began the memory: with
// one that was ahead, orders would be refused until that time came; with one that was behind, those
// from before the beginning would run. (A host that slept looks as if its clock had been behind:
// what was signed meanwhile may then be refused, too.)
func (m *memory) correct(now time.Time) {
	if m.began.IsZero() {
		return
	}
	born := now.Add(-now.Sub(m.began)).UnixMilli()
	if off := born - m.born; off > skew.Milliseconds() || off < -skew.Milliseconds() {
		m.born = born
		m.close()
	}
}

// early reports why nothing that is signed now can be admitted.
func (m *memory) early(now time.Time) error {
	if born := time.UnixMilli(m.born); born.After(now.Add(skew)) {
		return fmt.Errorf("it begins at %s, and this host's clock says %s: one of them is wrong; once the clock is right, move %q away and restart the agent", stamp(born), stamp(now), m.path)
	}
	return nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMemory+1))
	if err == nil && len(data) > maxMemory {
		err = fmt.Errorf("it has more than %d bytes", maxMemory)
	}
	return data, err
}

// parse reads the file's lines. The last one may be there in part: the write was cut off, and
// nobody acted on it.
func (m *memory) parse(data []byte) (place.Place, error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	if n := len(lines) - 1; n > 0 { // after the last line end
		lines = lines[:n]
	}
	var at place.Place
	for i, line := range lines {
		if i == 0 {
			h, err := parseHeader(string(line))
			if err != nil {
				return at, fmt.Errorf("line 1: %w", err)
			}
			at, m.born, m.forgot = h.place, h.born, h.forgot
			continue
		}
		l, err := parseLine(string(line))
		if err != nil {
			return at, fmt.Errorf("line %d: %w", i+1, err)
		}
		m.apply(l.entry, l.free)
		m.lines++
	}
	return at, nil
}

func (m *memory) apply(e entry, free bool) {
	if free {
		delete(m.entries, e.order)
	} else {
		m.entries[e.order] = e
	}
}

// forget drops what is over. The file follows when it is replaced; until then the next load drops
// the same.
func (m *memory) forget(now time.Time) {
	limit := now.Add(-margin).UnixMilli()
	for id, e := range m.entries {
		if e.notAfter < limit {
			m.forgot = max(m.forgot, e.notAfter)
			delete(m.entries, id)
		}
	}
}

// write makes the disk say it, and then the memory.
func (m *memory) write(e entry, free bool) error {
	if m.lines > 2*len(m.entries)+deadAllowed {
		m.close()
	}
	if err := m.writable(); err != nil {
		return err
	}
	_, err := m.file.WriteString(line{e, free}.String())
	if err == nil {
		err = m.file.Sync()
	}
	if err != nil {
		m.close()
		return fmt.Errorf("writing %q: %w", m.path, err)
	}
	m.apply(e, free)
	m.lines++
	return nil
}

// writable replaces the file where it cannot be appended to.
func (m *memory) writable() error {
	if m.file != nil {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(header{m.place, m.born, m.forgot}.String())
	for _, e := range m.entries {
		b.WriteString(line{e, false}.String())
	}
	if err := atomicfile.WriteFile(m.path, b.Bytes(), 0o600); err != nil {
		return err
	}
	f, err := os.OpenFile(m.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	m.file, m.lines = f, len(m.entries)
	return nil
}

func (m *memory) close() {
	if m.file != nil {
		_ = m.file.Close()
		m.file = nil
	}
}
