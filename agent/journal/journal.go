package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/wire"
)

// ErrNoSpace means that there is no room for the order and its result.
var ErrNoSpace = errors.New("no space left for the journal")

// Entry is what the journal knows of one attempt at one order.
type Entry struct {
	// Order as it came; Params, Token and Defaults are gone once it has Started.
	Order wire.Order `json:"order"`
	// State is accepted or running; with a Result it is over.
	State wire.State `json:"state"`
	// Hold: the App may not be started before the cloud's Start.
	Hold bool `json:"hold,omitempty"`
	// BootID of the host that accepted it. Another one now means that
	// whatever ran then does not run any more.
	BootID string `json:"boot_id"`
	// Accepted and Started are times of the host's clock, for folders and durations only.
	Accepted time.Time `json:"accepted"`
	Started  time.Time `json:"started,omitzero"`
	// Result is in the outbox until Forget.
	Result *wire.Result `json:"result,omitempty"`
}

// record is one line of the log: the newest about a ref counts.
type record struct {
	Ref   wire.Ref `json:"ref"`
	Entry *Entry   `json:"entry,omitempty"` // nil: forget
}

// Journal is safe for concurrent use. Only one process may have it open.
type Journal struct {
	dir string
	log *log

	mu      sync.Mutex
	entries map[wire.Ref]*Entry
}

// Open reads the journal in dir (created 0700 if missing) and repairs what
// a crash left. A folder that another process uses is an error.
func Open(dir string, logger *slog.Logger) (*Journal, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening journal: %w", err)
	}
	j := &Journal{dir: dir, entries: map[wire.Ref]*Entry{}}
	l, err := openLog(dir, func(payload []byte) error {
		var r record
		if err := json.Unmarshal(payload, &r); err != nil {
			return fmt.Errorf("record is not readable: %w", err)
		}
		j.apply(r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("opening journal %q: %w", dir, err)
	}
	j.log = l
	if l.discarded > 0 {
		logger.Warn("journal had an unfinished record at its end", "bytes", l.discarded, "file", filepath.Base(l.active().Name()))
		// What lies behind the torn record must not come to life when
		// new records of the same length are written over it.
		if err := j.compact(recordHead); err != nil {
			return nil, errors.Join(fmt.Errorf("repairing journal %q: %w", dir, err), l.close())
		}
	}
	return j, nil
}

// Close releases the files.
func (j *Journal) Close() error { return j.log.close() }

func (j *Journal) apply(r record) {
	if r.Entry == nil {
		delete(j.entries, r.Ref)
		return
	}
	j.entries[r.Ref] = r.Entry
}

// Accept stores e durably. fresh is false when the ref is known already;
// then nothing is changed and the order must not be started by the caller.
func (j *Journal) Accept(e Entry) (fresh bool, err error) {
	ref := e.Order.Ref
	j.mu.Lock()
	if _, known := j.entries[ref]; known {
		j.mu.Unlock()
		return false, nil
	}
	e.State = wire.StateAccepted
	end, err := j.append(record{ref, &e}, true)
	if err == nil {
		j.entries[ref] = &e
	}
	j.mu.Unlock()
	if err != nil {
		return false, fmt.Errorf("journaling order %s: %w", ref, err)
	}
	if err := j.log.sync(end); err != nil {
		return false, fmt.Errorf("journaling order %s: %w", ref, err)
	}
	return true, nil
}

// Starting notes, durably, that a held order's App is about to be started:
// from now on nobody may conclude from Hold that it was not.
func (j *Journal) Starting(ref wire.Ref) error {
	end, err := j.update(ref, func(e *Entry) { e.State, e.Hold = wire.StateRunning, false })
	if err == nil {
		err = j.log.sync(end)
	}
	if err != nil {
		return fmt.Errorf("journaling start of %s: %w", ref, err)
	}
	return nil
}

// Started notes that the App runs and forgets the order's secrets. A lost
// note is harmless, so it is not fsynced: the job's folder tells the same.
func (j *Journal) Started(ref wire.Ref) error {
	_, err := j.update(ref, func(e *Entry) {
		e.State, e.Hold, e.Started = wire.StateRunning, false, time.Now()
		e.Order.Params, e.Order.Defaults, e.Order.Token = nil, nil, ""
	})
	if err != nil {
		return fmt.Errorf("journaling start of %s: %w", ref, err)
	}
	return nil
}

// Finish puts the result into the outbox, durably. A second result for the
// same ref is ignored: the first one may have been sent.
func (j *Journal) Finish(r wire.Result) error {
	end, err := j.update(r.Ref, func(e *Entry) {
		if e.Result == nil {
			e.Result = &r
		}
		e.Order.Params, e.Order.Defaults, e.Order.Token = nil, nil, ""
	})
	if err == nil {
		err = j.log.sync(end)
	}
	if err != nil {
		return fmt.Errorf("journaling result of %s: %w", r.Ref, err)
	}
	return nil
}

// Forget drops an entry: its result was acknowledged, or it was recalled or
// fenced. Not fsynced: should it be lost, the cloud is told once more and says so again.
func (j *Journal) Forget(ref wire.Ref) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.entries[ref]; !known {
		return nil
	}
	delete(j.entries, ref)
	var err error
	if len(j.entries) == 0 && j.log.used() > idleBytes {
		err = j.log.rotate(nil)
	} else {
		_, err = j.append(record{Ref: ref}, false)
	}
	if err != nil {
		return fmt.Errorf("journaling end of %s: %w", ref, err)
	}
	return nil
}

// Get returns a copy of the entry.
func (j *Journal) Get(ref wire.Ref) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e, ok := j.entries[ref]; ok {
		return *e, true
	}
	return Entry{}, false
}

// Entries returns copies of all entries, oldest first.
func (j *Journal) Entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]Entry, 0, len(j.entries))
	for _, e := range j.entries {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		if c := a.Accepted.Compare(b.Accepted); c != 0 {
			return c
		}
		return strings.Compare(a.Order.Ref.String(), b.Order.Ref.String())
	})
	return all
}

// update changes a copy of an entry, so that what Get returned stays as it was.
func (j *Journal) update(ref wire.Ref, change func(*Entry)) (end int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	old, known := j.entries[ref]
	if !known {
		return 0, fmt.Errorf("no such entry")
	}
	e := *old
	change(&e)
	end, err = j.append(record{ref, &e}, false)
	if err == nil {
		j.entries[ref] = &e
	}
	return end, err
}

// append writes r, making room first. A new order must leave room for the
// results of all live ones. j.mu is held.
func (j *Journal) append(r record, isNew bool) (end int64, err error) {
	payload, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	need := int64(len(payload)) + recordHead
	if isNew {
		need += int64(len(j.entries)+1) * resultBytes
	}
	if j.log.free() < need {
		if err := j.compact(need); err != nil {
			return 0, err
		}
	}
	return j.log.append(payload)
}

func (j *Journal) compact(need int64) error {
	live := make([][]byte, 0, len(j.entries))
	var size int64
	for ref, e := range j.entries {
		payload, err := json.Marshal(record{ref, e})
		if err != nil {
			return err
		}
		live = append(live, payload)
		size += int64(len(payload)) + recordHead
	}
	// Twice the need, so that compaction is not repeated for every order.
	if err := j.log.reserve(headBytes + size + 2*need); err != nil {
		return err
	}
	return j.log.rotate(live)
}
