package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// entry says what a segment spans and holds.
type entry struct {
	First record.Place // where it begins, and its key; the first row may be later
	Rows  int
	Bytes int   // as stored
	Ended int64 // when the last of them ended, in milliseconds since 1970
	// Hours counts what happened, by Environment and hour since 1970.
	Hours  map[string]map[int]record.Hour
	States []wire.State
	ids    []uint64 // hashes, sorted

	segment  uint64 // its revision when it was summarized
	revision uint64 // of the entry
}

// summary is an entry as it is stored.
type summary struct {
	Segment uint64                         `json:"segment"` // revision
	Bytes   int                            `json:"bytes"`
	Ended   int64                          `json:"ended"`
	Hours   map[string]map[int]record.Hour `json:"hours"`
	States  []wire.State                   `json:"states"`
	IDs     []byte                         `json:"ids"`
}

const hashSize = 8

// hash is of an id; nobody finds two with the same one.
func hash(id wire.OrderID) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// summarize returns the entry of a segment.
func summarize(first record.Place, rows []row, bytes int, revision uint64) (*entry, error) {
	e := &entry{First: first, Rows: len(rows), Bytes: bytes, segment: revision, Hours: map[string]map[int]record.Hour{}}
	for _, r := range rows {
		rec, err := r.execution()
		if err != nil {
			return nil, err
		}
		hours := e.Hours[rec.Environment]
		if hours == nil {
			hours = map[int]record.Hour{}
			e.Hours[rec.Environment] = hours
		}
		rec.Hours(func(hour int, h record.Hour) {
			h.Add(hours[hour])
			hours[hour] = h
		})
		e.Ended = max(e.Ended, rec.Ended.UnixMilli())
		if !slices.Contains(e.States, rec.State) {
			e.States = append(e.States, rec.State)
		}
		e.ids = append(e.ids, hash(r.ID))
	}
	slices.Sort(e.ids)
	return e, nil
}

func (e *entry) encode() ([]byte, error) {
	s := summary{Segment: e.segment, Bytes: e.Bytes, Ended: e.Ended, Hours: e.Hours, States: e.States, IDs: make([]byte, 0, hashSize*len(e.ids))}
	for _, h := range e.ids {
		s.IDs = binary.BigEndian.AppendUint64(s.IDs, h)
	}
	return json.Marshal(s)
}

var errEntry = errors.New("damaged index of ended executions")

// decodeEntry reads what encode has made.
func decodeEntry(key string, data []byte) (*entry, error) {
	first, err := record.ParsePlace(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEntry, err)
	}
	var s summary
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%w: %w", errEntry, err)
	}
	e := &entry{segment: s.Segment, First: first, Rows: len(s.IDs) / hashSize, Bytes: s.Bytes, Ended: s.Ended, Hours: s.Hours, States: s.States}
	if len(s.IDs)%hashSize != 0 || e.Rows > 8*mostRows { // more than there ever are
		return nil, errEntry
	}
	for ; len(s.IDs) > 0; s.IDs = s.IDs[hashSize:] {
		e.ids = append(e.ids, binary.BigEndian.Uint64(s.IDs))
	}
	if !slices.IsSorted(e.ids) {
		return nil, errEntry
	}
	return e, nil
}

// has reports whether the segment has the id. Hashes are spread evenly, so that each is about where
// its value says.
func (e *entry) has(hash uint64) bool {
	const near = 32
	guess, _ := bits.Mul64(hash, uint64(len(e.ids)))
	lo, hi := max(0, int(guess)-near), min(len(e.ids), int(guess)+near)
	if lo > 0 && e.ids[lo-1] >= hash {
		lo = 0
	}
	if hi < len(e.ids) && e.ids[hi] <= hash {
		hi = len(e.ids)
	}
	_, ok := slices.BinarySearch(e.ids[lo:hi], hash)
	return ok
}

// mayHave reports whether the segment has something that the filter may select.
func (e *entry) mayHave(f *record.Filter) bool {
	in := f.Environment == "" && f.Within == nil
	for environment := range e.Hours {
		in = in || f.In(environment)
	}
	return in && (f.State == "" || f.State == record.Ended || slices.Contains(e.States, f.State))
}
