package journal

import (
	"errors"

	"tcenvsvr/agent/link/wire"
)

// This file decides when an entry is durable: a change that must survive a crash goes through
// commit, any other through note.

// change makes the new entry of an order from the old one, which is nil for an unknown order. It
// must not write to the old one, which Get has given away. A nil result means "no change" to
// commit, and "remove the entry" to note.
type change func(old *Entry) (*Entry, error)

// changing is a change of an entry that must exist.
func changing(to func(*Entry)) change {
	return func(old *Entry) (*Entry, error) {
		if old == nil {
			return nil, errors.New("no such entry")
		}
		e := *old
		to(&e)
		return &e, nil
	}
}

// pending is an entry that is written and not known to be durable.
type pending struct {
	entry *Entry
	done  chan struct{} // closed when it is durable or was refused
}

// commit makes a change that is in force only when it is durable: nobody sees it earlier, and if it
// fails nobody ever sees it.
func (j *Journal) commit(ref wire.Ref, to change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.awaitPending(ref)
	old := j.entries[ref]
	e, err := to(old)
	if e == nil || err != nil {
		return err
	}
	end, err := j.append(record{ref, e}, old == nil)
	if err != nil {
		return err
	}
	p := &pending{e, make(chan struct{})}
	j.pending[ref] = p
	j.mu.Unlock()
	if err = j.sync(end); j.log.synced.Load() >= end { // if not by this call, another one has mended it since
		err = nil
	}
	if err == nil && progress(e) > 0 {
		j.copies.write(e)
	}
	j.mu.Lock()
	delete(j.pending, ref)
	close(p.done)
	if err != nil {
		return err
	}
	j.set(ref, e)
	if e.Result != nil {
		j.log.wipe(ref)
	}
	return nil
}

// note makes a change whose loss does no harm: it is in force at once, and a file that is written
// later has it.
func (j *Journal) note(ref wire.Ref, to change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.awaitPending(ref)
	old := j.entries[ref]
	e, err := to(old)
	if err != nil || e == nil && old == nil {
		return err
	}
	if e != nil {
		j.set(ref, e)
		_, err = j.append(record{ref, e}, false)
		return err
	}
	j.set(ref, nil)
	j.copies.remove(ref)
	j.log.wipe(ref)
	if len(j.entries)+len(j.pending) == 0 && (j.log.used() > idleBytes || j.log.size[j.log.current] > j.log.least) {
		return j.compact(0)
	}
	_, err = j.append(record{Ref: ref}, false)
	return err
}

// awaitPending waits until no change of ref is pending. j.mu is held.
func (j *Journal) awaitPending(ref wire.Ref) {
	for p := j.pending[ref]; p != nil; p = j.pending[ref] {
		j.mu.Unlock()
		<-p.done
		j.mu.Lock()
	}
}

// append writes r, after making space, and goes on in the other file when this one fails. A new
// order must leave space for the results of all live ones. j.mu is held.
func (j *Journal) append(r record, isNew bool) (end int64, err error) {
	p, err := split(r)
	if err != nil {
		return 0, err
	}
	need := p.size()
	if isNew {
		need += int64(len(j.entries)+len(j.pending)+1) * resultBytes
	}
	if j.log.broken() != nil || j.log.free() < need {
		if err := j.compact(need); err != nil {
			return 0, err
		}
	}
	if end, err = j.log.append(p); err == nil {
		return end, nil
	}
	if other := j.compact(need); other != nil {
		return 0, errors.Join(err, other)
	}
	return j.log.append(p)
}

// sync returns when everything up to the given point is durable. Callers that come while an fsync
// is under way share the next one. What cannot be made durable in this file is written, with
// everything else, to the other one.
func (j *Journal) sync(upto int64) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.log.synced.Load() >= upto {
		return nil
	}
	if upto <= j.lost {
		return j.why
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	i, f, written, err := j.log.current, j.log.active(), j.log.written, j.log.broken()
	if err == nil {
		j.mu.Unlock()
		err = f.datasync()
		j.mu.Lock()
		switch {
		case j.log.synced.Load() >= upto: // the other file holds it meanwhile
			return nil
		case err == nil:
			j.log.synced.Store(written)
			return nil
		}
		j.log.fail(i, err)
	}
	if other := j.compact(recordHead); other != nil {
		j.lost, j.why = j.log.written, errors.Join(err, other)
		return noSpace(j.why)
	}
	return nil
}

// compact writes what is in force and what is pending to the other file, so that all of it is
// durable. j.mu is held.
func (j *Journal) compact(need int64) error {
	live := make([]parts, 0, len(j.entries)+len(j.pending))
	size := int64(headBytes)
	add := func(ref wire.Ref, e *Entry) error {
		p, err := split(record{ref, e})
		live, size = append(live, p), size+p.size()
		return err
	}
	for ref, e := range j.entries {
		if j.pending[ref] != nil {
			continue
		}
		if err := add(ref, e); err != nil {
			return err
		}
	}
	for ref, p := range j.pending {
		if err := add(ref, p.entry); err != nil {
			return err
		}
	}
	broken := j.log.broken()
	// Twice the need, so that compaction is not repeated for every order.
	err := j.log.reserve(size + 2*need)
	if err == nil {
		err = j.log.rotate(live)
	}
	if err != nil {
		j.log.release()
	}
	switch broken = errors.Join(broken, j.log.broken()); {
	case err != nil && broken != nil && !j.down:
		j.down = true
		j.logger.Error("no file of the journal can be written", "dir", j.dir, "err", errors.Join(broken, err))
	case err == nil && j.down:
		j.down = false
		j.logger.Info("taking orders again: the journal can be written", "dir", j.dir)
	case err == nil && broken != nil:
		j.logger.Warn("a file of the journal failed, the other one has taken over", "dir", j.dir, "err", broken)
	}
	return err
}
