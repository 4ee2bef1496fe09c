package journal

import (
	"crypto/sha256"
	"encoding/base64"
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

	"tcenvsvr/agent/link/wire"
)

// ErrNoSpace means that there is no room for the order and its result.
var ErrNoSpace = errors.New("no space left for the journal")

// Entry is what the journal knows of one attempt at one order.
type Entry struct {
	// Order as it came; Params, Token and Defaults are gone once it has Started.
	Order wire.Order `json:"order"`
	// State is accepted (the App has certainly not been started) or running (it may have been).
	// With a Result the order is over.
	State wire.State `json:"state"`
	// Hold: the App may not be started before the cloud's Start.
	Hold bool `json:"hold,omitempty"`
	// Shim is the shim that runs the App, as package job describes it; none if that is not known.
	Shim json.RawMessage `json:"shim,omitempty"`
	// Sealed are the names of parameters that came sealed: what the App leaves under them stays here.
	Sealed []string `json:"sealed,omitempty"`
	// Mended: the entry was found in a damaged journal. Its App may have been started, and its
	// secrets are gone.
	Mended bool `json:"mended,omitempty"`
	// BootID of the host when it accepted the order. If the host has another one now, nothing that
	// ran then runs any more.
	BootID string `json:"boot_id"`
	// Accepted and Started are times of the host's clock, for durations only.
	Accepted time.Time `json:"accepted"`
	Started  time.Time `json:"started,omitzero"`
	// Result is in the outbox until Forget.
	Result *wire.Result `json:"result,omitempty"`
}

func (e *Entry) dropSecrets() { e.Order.Params, e.Order.Defaults, e.Order.Token = nil, nil, "" }

// Journal is safe for concurrent use. Only one process may have it open.
type Journal struct {
	dir    string
	log    *log
	copies copies
	damage []string // found at open
	logger *slog.Logger

	mu      sync.Mutex            // held while files are written, which a frozen disk may make last for ever
	seen    sync.RWMutex          // locked after mu and only for a moment: readers do not wait for the disk
	entries map[wire.Ref]*Entry   // what is in force; changed under both locks
	pending map[wire.Ref]*pending // what will be in force once it is durable
	down    bool                  // no file can be written

	syncing sync.Mutex // locked before mu
	lost    int64      // log.written up to here was given up, unless synced; guarded by syncing
	why     error      // it was given up
}

// Open reads the journal in dir (created with mode 0700 if missing) and repairs what a crash left.
// A folder that another process uses is an error.
func Open(dir string, logger *slog.Logger) (*Journal, error) {
	return openIn(dir, logger, openFile, fileBytes)
}

func openIn(dir string, logger *slog.Logger, openFile func(string) (file, error), fileBytes int64) (*Journal, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening journal: %w", err)
	}
	j := &Journal{dir: dir, logger: logger, entries: map[wire.Ref]*Entry{}, pending: map[wire.Ref]*pending{}}
	l, err := openLog(dir, openFile, fileBytes, j.replay)
	if err != nil {
		return nil, fmt.Errorf("opening journal %q: %w", dir, err)
	}
	j.log = l
	j.copies = openCopies(dir, l.place)
	if l.discarded > 0 {
		logger.Warn("journal had an unfinished record at its end", "bytes", l.discarded, "file", filepath.Base(l.path(l.current)))
	}
	changed, err := j.restore()
	if err == nil && (changed || l.discarded > 0) {
		// What lies behind a torn record must not count again when new records of the same length
		// are written over the torn one.
		err = j.compact(recordHead)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("repairing journal %q: %w", dir, err), l.close())
	}
	j.wipeEnded()
	return j, nil
}

// replay applies one record of the log.
func (j *Journal) replay(p *parts, gone bool) error {
	if gone {
		p.secret = nil
	}
	r, err := join(*p)
	if err != nil {
		return err
	}
	p.ref = r.Ref
	if r.Entry == nil || gone { // secrets are overwritten when the order is over; a later record may hold its result
		delete(j.entries, r.Ref)
		return nil
	}
	j.entries[r.Ref] = r.Entry
	return nil
}

// wipeEnded overwrites the secrets of ended orders that the last agent did not overwrite any more.
func (j *Journal) wipeEnded() {
	wiped := false
	for ref := range j.log.secrets {
		if e := j.entries[ref]; e == nil || e.Result != nil {
			j.log.wipe(ref)
			wiped = true
		}
	}
	if wiped && j.log.broken() == nil {
		if err := j.log.active().datasync(); err != nil {
			j.log.fail(j.log.current, err)
		}
	}
}

// Close releases the files.
func (j *Journal) Close() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.log.closed = true
	return j.log.close()
}

// Accept stores e durably (durable.go). fresh is false when the order is known already: then
// nothing is changed, and the caller must not start the order. The error is [ErrNoSpace], or says
// why the disk failed.
func (j *Journal) Accept(e Entry) (fresh bool, err error) {
	e.State = wire.StateAccepted
	err = j.commit(e.Order.Ref, func(old *Entry) (*Entry, error) {
		if fresh = old == nil; fresh {
			return &e, nil
		}
		return nil, nil
	})
	if err != nil {
		return false, fmt.Errorf("journaling order %s: %w", e.Order.Ref, err)
	}
	return fresh, nil
}

// Starting notes, durably, that a shim is about to start the App. The App is executed only after
// that, so an entry whose State is accepted was never started.
func (j *Journal) Starting(ref wire.Ref, shim json.RawMessage, sealed []string) error {
	err := j.commit(ref, changing(func(e *Entry) { e.State, e.Hold, e.Shim, e.Sealed = wire.StateRunning, false, shim, sealed }))
	if err != nil {
		return fmt.Errorf("journaling start of %s: %w", ref, err)
	}
	return nil
}

// Started notes that the App runs and forgets the order's secrets. The loss of this note does no
// harm, so it is not fsynced.
func (j *Journal) Started(ref wire.Ref) error {
	err := j.note(ref, changing(func(e *Entry) {
		e.State, e.Hold, e.Started = wire.StateRunning, false, time.Now()
		e.dropSecrets()
	}))
	if err != nil {
		return fmt.Errorf("journaling start of %s: %w", ref, err)
	}
	return nil
}

// Finish puts the result into the outbox, durably. A second result of the same order is ignored,
// because the first one may have been sent.
func (j *Journal) Finish(r wire.Result) error {
	err := j.commit(r.Ref, changing(func(e *Entry) {
		if e.Result == nil {
			e.Result = &r
		}
		e.dropSecrets()
	}))
	if err != nil {
		return fmt.Errorf("journaling result of %s: %w", r.Ref, err)
	}
	return nil
}

// Forget removes an entry, and its secrets from the disk: its result was acknowledged, or it was
// recalled or fenced. It is not fsynced: if that is lost, the cloud is told once more and
// acknowledges it again.
func (j *Journal) Forget(ref wire.Ref) error {
	err := j.note(ref, func(*Entry) (*Entry, error) { return nil, nil })
	if err != nil {
		return fmt.Errorf("journaling end of %s: %w", ref, err)
	}
	return nil
}

// Ready returns why no order can be accepted, nil if orders can be. It tries to mend the journal
// first.
func (j *Journal) Ready() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log.broken() == nil {
		return nil
	}
	return j.compact(recordHead)
}

// set changes what is in force; nil removes. j.mu is held.
func (j *Journal) set(ref wire.Ref, e *Entry) {
	j.seen.Lock()
	defer j.seen.Unlock()
	if e == nil {
		delete(j.entries, ref)
		return
	}
	j.entries[ref] = e
}

// Get returns a copy of the entry.
func (j *Journal) Get(ref wire.Ref) (Entry, bool) {
	j.seen.RLock()
	defer j.seen.RUnlock()
	if e, ok := j.entries[ref]; ok {
		return *e, true
	}
	return Entry{}, false
}

// Entries returns copies of all entries, oldest first.
func (j *Journal) Entries() []Entry {
	j.seen.RLock()
	defer j.seen.RUnlock()
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

// Name distinguishes this journal from every other one, also from its own copies: on the same host
// by its place (package disk/place), on another one (a cloned machine) by the host's boot. It stays
// the same when the agent is started again, while its disk cannot be read, and when the disk was
// mounted anew with another device number.
func (j *Journal) Name(bootID string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", bootID, j.copies.place.Path, j.copies.place.Inode))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
