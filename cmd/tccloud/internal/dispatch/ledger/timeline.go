package ledger

import (
	"slices"

	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
)

// timeline has the executions in memory by their places, so that a page of them is found without
// looking at all. Ledger.mu guards it.
type timeline struct {
	items  []moment
	mixed  bool // items are not in order
	absent int  // of items are gone
}

type moment struct {
	record.Place
	entry *entry
}

// add adds an entry with its first record.
func (t *timeline) add(e *entry) {
	m := moment{e.rec.Place(), e}
	t.mixed = t.mixed || len(t.items) > 0 && t.items[len(t.items)-1].Compare(m.Place) > 0
	t.items = append(t.items, m)
}

// drop forgets an entry.
func (t *timeline) drop(e *entry) {
	e.gone = true
	if t.absent++; t.absent > 1000 && t.absent > len(t.items)/2 {
		t.items = slices.DeleteFunc(t.items, func(m moment) bool { return m.entry.gone })
		t.absent = 0
	}
}

// before is how many of the items are before a place.
func (t *timeline) before(p record.Place) int {
	if t.mixed {
		slices.SortFunc(t.items, func(a, b moment) int { return a.Compare(b.Place) })
		t.mixed = false
	}
	n, _ := slices.BinarySearchFunc(t.items, p, func(m moment, p record.Place) int { return m.Compare(p) })
	return n
}

// newest yields the entries before a place, the newest first; zero: all.
func (t *timeline) newest(before record.Place, yield func(*entry) bool) {
	n := len(t.items)
	if at := t.before(before); !before.IsZero() {
		n = at
	}
	for _, m := range slices.Backward(t.items[:n]) {
		if !m.entry.gone && !yield(m.entry) {
			return
		}
	}
}
