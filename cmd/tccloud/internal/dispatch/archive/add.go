package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Add stores executions that have ended, durably, and returns when they can be found. It is for the
// gateway that has the lease: where another one writes at the same time, it may fail, or store them
// where that one has just divided. So it may be called again, and before anything is removed that was
// added, Holds is asked.
func (a *Archive) Add(ctx context.Context, recs []*record.Record) error {
	rows := make([]row, 0, len(recs))
	for _, rec := range recs {
		data, err := rec.Encode()
		if err != nil {
			return fmt.Errorf("keeping execution %s: %w", rec.ID, err)
		}
		rows = append(rows, row{rec.Place(), data})
	}
	slices.SortFunc(rows, func(a, b row) int { return a.Compare(b.Place) })
	for len(rows) > 0 {
		n, key := a.segment(rows)
		if err := a.extend(ctx, key, rows[:n]); err != nil {
			return fmt.Errorf("keeping ended executions: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

// segment tells how many of the first rows belong into one segment, and where that begins.
func (a *Archive) segment(rows []row) (n int, first record.Place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.of(rows[0].Place)
	if i < 0 {
		return len(rows), rows[0].Place
	}
	end := a.end(i)
	n, _ = slices.BinarySearchFunc(rows, end, func(r row, p record.Place) int { return r.Compare(p) })
	return n, a.entries[i].First
}

// extend adds rows to the segment that begins at first, and divides it where it gets too large.
func (a *Archive) extend(ctx context.Context, first record.Place, rows []row) error {
	old, revision, err := a.read(ctx, first.String())
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return err
	}
	parts := divide(merge(old, rows))
	for _, upper := range slices.Backward(parts[1:]) {
		// What a later segment has counts. So these are written first, and nothing is missing at any time.
		key := upper[0].Place
		before, revision, err := a.read(ctx, key.String()) // of one who was interrupted here
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
			return err
		}
		if err := a.write(ctx, key, merge(before, upper), revision); err != nil {
			return err
		}
	}
	return a.write(ctx, first, parts[0], revision)
}

// write stores a segment over the revision that it was made from, and then its entry.
func (a *Archive) write(ctx context.Context, first record.Place, rows []row, over uint64) error {
	key := first.String()
	data, err := encode(rows)
	if err != nil {
		return err
	}
	revision, err := a.segments.Update(ctx, key, data, over)
	if err != nil {
		return err
	}
	e, err := summarize(first, rows, len(data), revision)
	if err != nil {
		return err
	}
	value, err := e.encode()
	if err != nil {
		return err
	}
	a.mu.Lock()
	over = 0
	if i, known := a.position(first); known {
		over = a.entries[i].revision
	}
	a.mu.Unlock()
	if over > 0 {
		revision, err = a.index.Update(ctx, key, value, over)
	} else {
		revision, err = a.index.Create(ctx, key, value)
	}
	if err != nil {
		return err
	}
	a.apply(key, value, revision, false)
	return nil
}

// Holds returns those of the executions that are stored here and found, by reading them.
func (a *Archive) Holds(ctx context.Context, places []record.Place) (map[record.Place]bool, error) {
	places = slices.SortedFunc(slices.Values(places), record.Place.Compare)
	all := map[record.Place]bool{}
	var key string
	var rows []row
	for _, p := range places {
		a.mu.Lock()
		i := a.of(p)
		var k string
		if i >= 0 && a.entries[i].has(hash(p.ID)) {
			k = a.entries[i].First.String()
		}
		a.mu.Unlock()
		if k == "" {
			continue
		}
		if k != key {
			var err error
			if rows, _, err = a.read(ctx, k); err != nil {
				return nil, err
			}
			key = k
		}
		if _, there := slices.BinarySearchFunc(rows, p, func(r row, p record.Place) int { return r.Compare(p) }); there {
			all[p] = true
		}
	}
	return all, nil
}

// Bound says how much is kept: what ended within Age, and of that the newest Bytes (0 = any).
type Bound struct {
	Age   time.Duration
	Bytes int64
}

// Trim removes the segments that are too old or too much, the oldest first, and returns how many
// executions they had. It is for the gateway that has the lease. A segment is as old as what ended
// last in it; nothing goes for its age while the clock is not to be trusted.
func (a *Archive) Trim(ctx context.Context, bound Bound) (int, error) {
	a.mu.Lock()
	oldest := slices.Clone(a.entries)
	left := a.bytes
	a.mu.Unlock()
	slices.SortStableFunc(oldest, func(a, b *entry) int { return cmp.Compare(a.Ended, b.Ended) })
	gone, trusted := 0, a.cfg.Trusted == nil || a.cfg.Trusted()
	for _, e := range oldest {
		old := trusted && bound.Age > 0 && time.Since(time.UnixMilli(e.Ended)) > bound.Age
		if !old && (bound.Bytes == 0 || left <= bound.Bytes) {
			break
		}
		if err := a.remove(ctx, e); err != nil {
			return gone, fmt.Errorf("removing ended executions from %s on: %w", e.First, err)
		}
		gone += e.Rows
		left -= int64(e.Bytes)
	}
	return gone, nil
}

// remove removes a segment that has not changed, first its entry.
func (a *Archive) remove(ctx context.Context, e *entry) error {
	key := e.First.String()
	if err := a.index.Delete(ctx, key, jetstream.LastRevision(e.revision)); err != nil {
		return err
	}
	a.apply(key, nil, e.revision+1, true)
	if err := a.segments.Purge(ctx, key, jetstream.LastRevision(e.segment)); err != nil && !bucket.Overtaken(err) {
		return err
	}
	return nil
}
