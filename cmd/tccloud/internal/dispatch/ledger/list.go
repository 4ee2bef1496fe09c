package ledger

import (
	"context"
	"slices"

	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// lookAt is how many executions in memory are taken out of it at a time, to look at them without the
// lock.
const lookAt = 512

// pageBytes bounds a page, by [record.Execution.Bytes]; one execution may be larger.
const pageBytes = 4 << 20

// Page is a part of a list.
type Page struct {
	Found []*record.Record // newest first
	// Rest is the place from which on the rest is, not included; zero: there is nothing more.
	Rest record.Place
}

// List returns executions that the filter selects, newest first, from before a place on (zero: from
// the newest), at most so many. A page may have fewer than limit and not be the last: its bytes are
// bounded, and how much of the archive is read for one.
func (l *Ledger) List(ctx context.Context, f *record.Filter, before record.Place, limit int) (Page, error) {
	if !f.Until.IsZero() {
		if until := (record.Place{Created: f.Until.UnixMilli()}); before.IsZero() || until.Compare(before) < 0 {
			before = until
		}
	}
	// Memory first: what leaves it meanwhile is in the archive before.
	found, rest := l.listMemory(f, before, limit)
	if f.State == "" || f.State == record.Ended || (&record.Execution{State: f.State}).Terminal() {
		p, err := l.archive.List(ctx, f, before, limit)
		if err != nil {
			return Page{}, err
		}
		found = append(found, p.Found...)
		if p.Rest.Compare(rest) > 0 {
			rest = p.Rest
		}
	}
	slices.SortStableFunc(found, func(a, b *record.Record) int { return b.Place().Compare(a.Place()) })
	found = slices.CompactFunc(found, func(a, b *record.Record) bool { return a.ID == b.ID })
	if !rest.IsZero() { // below it, one of the two sources was not read
		found = slices.DeleteFunc(found, func(r *record.Record) bool { return r.Place().Compare(rest) < 0 })
	}
	if len(found) > limit {
		found = found[:limit]
		rest = found[limit-1].Place()
	}
	if n := fitting(found); n < len(found) {
		found = found[:n]
		rest = found[n-1].Place()
	}
	return Page{found, rest}, nil
}

// fitting returns how many executions make a page that is not too large.
func fitting(found []*record.Record) int {
	bytes := 0
	for i, r := range found {
		if bytes += r.Bytes(); bytes > pageBytes && i > 0 {
			return i
		}
	}
	return len(found)
}

// listMemory is List of what is in memory.
func (l *Ledger) listMemory(f *record.Filter, before record.Place, limit int) (found []*record.Record, rest record.Place) {
	for {
		var some []*record.Record
		l.mu.Lock()
		l.timeline.newest(before, func(e *entry) bool {
			some = append(some, e.rec)
			return len(some) < lookAt
		})
		l.mu.Unlock()
		for _, r := range some {
			if !f.Since.IsZero() && r.Created.Before(f.Since) {
				return found, record.Place{}
			}
			if before = r.Place(); !f.Matches(&r.Execution) {
				continue
			}
			if found = append(found, r); len(found) == limit {
				return found, before
			}
		}
		if len(some) < lookAt {
			return found, record.Place{}
		}
	}
}
