package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// Create stores a new record durably. It returns [ErrExists] if the id is taken.
func (l *Ledger) Create(ctx context.Context, rec *record.Record) error {
	data, err := rec.Encode()
	if err != nil {
		return fmt.Errorf("creating execution %s: %w", rec.ID, err)
	}
	if old, err := l.archive.Known(ctx, rec.ID); err != nil || old != nil {
		return fmt.Errorf("creating execution %s: %w", rec.ID, cmp.Or(err, ErrExists))
	}
	// Update of revision 0 is Create without the second try that Create makes for deleted keys.
	rev, err := l.kv.Update(ctx, string(rec.ID), data, 0)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return fmt.Errorf("creating execution %s: %w", rec.ID, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("creating execution %s: %w", rec.ID, err)
	}
	l.apply(rec.ID, rec, rev, false)
	l.cfg.Made(nil, rec)
	return nil
}

// Get returns the record, from memory if it is there.
func (l *Ledger) Get(ctx context.Context, id wire.OrderID) (*record.Record, error) {
	if rec := l.Peek(id); rec != nil {
		return rec, nil
	}
	return l.Fresh(ctx, id)
}

// Peek returns the record in memory or nil.
func (l *Ledger) Peek(id wire.OrderID) *record.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[id]; e != nil {
		return e.rec
	}
	return nil
}

// Fresh returns the record as the bucket has it now, whatever memory says.
func (l *Ledger) Fresh(ctx context.Context, id wire.OrderID) (*record.Record, error) {
	rec, rev, err := l.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.Terminal() && l.Peek(id) == nil {
		return rec, nil // an old one, which is not kept in memory
	}
	_, rec = l.apply(id, rec, rev, false)
	return rec, nil
}

func (l *Ledger) read(ctx context.Context, id wire.OrderID) (*record.Record, uint64, error) {
	if !id.Valid() {
		return nil, 0, fmt.Errorf("%w: %.70q", ErrNotFound, string(id))
	}
	e, err := l.kv.Get(ctx, string(id))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		rec, rev, absent := l.readArchive(ctx, id, err)
		if !errors.Is(absent, jetstream.ErrKeyNotFound) {
			return rec, rev, absent
		}
		e, err = l.kv.Get(ctx, string(id)) // memory knows it: it may have come just now
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading execution %s: %w", id, err)
	}
	rec, err := record.Decode(e.Value())
	return rec, e.Revision(), err
}

// readArchive is read of what has no key. Its error is absent where memory has an entry all the same.
func (l *Ledger) readArchive(ctx context.Context, id wire.OrderID, absent error) (*record.Record, uint64, error) {
	rec, err := l.archive.Find(ctx, id)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[id]
	switch {
	case err != nil:
		return nil, 0, err
	case rec != nil && e != nil:
		return rec, e.rev + 1, nil // its last change was not seen here
	case rec == nil && e != nil:
		return nil, 0, absent
	case rec == nil:
		return nil, 0, fmt.Errorf("%w: %q", ErrNotFound, string(id))
	}
	return rec, 0, nil
}

// Update changes the record durably. change gets a copy of the newest record and modifies it; when
// it returns nil the copy is stored. It is called again when another writer was faster. Its error
// is returned as it is, with the record unchanged; record.ErrUnchanged counts as success. Before
// record.ErrStale is returned the bucket is asked, because the image may be a moment behind another
// gateway.
func (l *Ledger) Update(ctx context.Context, id wire.OrderID, change func(*record.Record) error) (*record.Record, error) {
	if _, err := l.Get(ctx, id); err != nil {
		return nil, err
	}
	l.mu.Lock()
	e := l.entries[id]
	l.mu.Unlock()
	if e == nil { // ended long ago: nothing can change it
		rec, err := l.Fresh(ctx, id)
		if err == nil {
			err = change(rec.Clone())
		}
		if errors.Is(err, record.ErrUnchanged) {
			err = nil
		}
		return rec, err
	}
	e.update.Lock()
	defer e.update.Unlock()
	asked := false
	for try := range maxConflicts {
		if try > 3 { // the replica that answers may be a moment behind
			time.Sleep(time.Duration(try) * time.Millisecond)
		}
		l.mu.Lock()
		rec, rev := e.rec, e.rev
		l.mu.Unlock()
		next := rec.Clone()
		switch err := change(next); {
		case errors.Is(err, record.ErrUnchanged):
			return rec, nil
		case errors.Is(err, record.ErrStale) && !asked && !rec.Terminal(): // an execution that has ended stays so
			asked = true
			if _, err := l.Fresh(ctx, id); err != nil {
				return rec, err
			}
			continue
		case err != nil:
			return rec, err
		}
		newRev, err := l.write(ctx, id, next, rev)
		switch {
		case errors.Is(err, jetstream.ErrKeyRevisionMismatch):
			if _, err := l.Fresh(ctx, id); err != nil {
				return rec, err
			}
			continue
		case err != nil:
			return rec, err
		}
		_, shown := l.apply(id, next, newRev, false)
		l.cfg.Made(rec, next)
		return shown, nil
	}
	return nil, fmt.Errorf("updating execution %s: %d conflicts in a row", id, maxConflicts)
}

func (l *Ledger) write(ctx context.Context, id wire.OrderID, rec *record.Record, rev uint64) (uint64, error) {
	data, err := rec.Encode()
	if err != nil {
		return 0, fmt.Errorf("updating execution %s: %w", id, err)
	}
	newRev, err := l.kv.Update(ctx, string(id), data, rev)
	if err != nil {
		return 0, fmt.Errorf("updating execution %s: %w", id, err)
	}
	return newRev, nil
}

// Note changes the record in memory now and in the bucket soon. It is for changes on which nothing
// depends.
func (l *Ledger) Note(ctx context.Context, id wire.OrderID, change func(*record.Record) error) error {
	if _, err := l.Get(ctx, id); err != nil {
		return err
	}
	err := l.note(id, change)
	if rec := l.Peek(id); errors.Is(err, record.ErrStale) && (rec == nil || !rec.Terminal()) {
		if _, err := l.Fresh(ctx, id); err != nil {
			return err
		}
		err = l.note(id, change)
	}
	return err
}

func (l *Ledger) note(id wire.OrderID, change func(*record.Record) error) error {
	l.mu.Lock()
	e := l.entries[id]
	if e == nil {
		l.mu.Unlock()
		return record.ErrStale // ended long ago
	}
	before := e.rec
	next := before.Clone()
	if err := change(next); err != nil {
		l.mu.Unlock()
		if errors.Is(err, record.ErrUnchanged) {
			return nil
		}
		return err
	}
	e.notes = append(e.notes, change)
	l.set(id, e, next, false)
	l.mu.Unlock()
	l.notify(id, before, next)
	l.cfg.Made(before, next)
	return nil
}

// writeNotes makes notes durable that have been true for noteDelay.
func (l *Ledger) writeNotes(ctx context.Context) error {
	tick := time.NewTicker(noteDelay / 2)
	defer tick.Stop()
	var logged time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var due []wire.OrderID
		l.mu.Lock()
		for id, t := range l.noted {
			if time.Since(t) >= noteDelay {
				due = append(due, id)
			}
		}
		l.mu.Unlock()
		for _, id := range due {
			// The copy already has the notes; it only has to be stored.
			_, err := l.Update(ctx, id, func(*record.Record) error { return nil })
			if err == nil {
				continue
			}
			if ctx.Err() == nil && time.Since(logged) > logEvery {
				logged = time.Now()
				l.cfg.Logger.Warn("progress was not stored, trying again", "order", id, "orders", len(due), "err", err)
			}
			break // most likely the store does not answer
		}
	}
}
