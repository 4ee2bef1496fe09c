package queue

import (
	"cmp"
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"

	"tcenvsvr/agent/link/wire"
)

// Queue is the queued orders of one Environment. The zero value is empty. Its user sees to it that
// one method runs at a time.
type Queue struct {
	came  uint64
	items map[wire.OrderID]*Item
	lanes map[string]*line // that are not empty
	later line             // items that stepped back, the first to return first
}

// Item is one attempt at an order.
type Item struct {
	wire.Ref
	priority int
	takers   Takers
	came     uint64 // so many came before it
	until    time.Time
	in       *line // nil: it was taken
	index    int   // there
}

// Len is how many orders are queued, those included that were taken or stepped back.
func (q *Queue) Len() int { return len(q.items) }

// Put adds an attempt, in place of an earlier one of the order. It is not taken before
// from; zero: at once.
func (q *Queue) Put(ref wire.Ref, priority int, t Takers, from time.Time) {
	q.Remove(ref.Order)
	if q.items == nil {
		q.items, q.lanes, q.later.before = map[wire.OrderID]*Item{}, map[string]*line{}, sooner
	}
	q.came++
	i := &Item{Ref: ref, priority: priority, takers: t, came: q.came}
	q.items[ref.Order] = i
	q.Back(i, from)
}

// Remove removes an order, wherever it is.
func (q *Queue) Remove(id wire.OrderID) {
	i := q.items[id]
	if i == nil {
		return
	}
	delete(q.items, id)
	if i.in != nil {
		q.leave(i)
	}
}

// Waits reports whether an order waits that comes before a new one for these takers: one of their
// own lane, or one that any server may take.
func (q *Queue) Waits(t Takers) bool {
	return q.lanes[t.lane()] != nil || q.lanes[Takers{}.lane()] != nil
}

// Take takes the next order for whose takers reserve finds a server; nil: there is none. Where
// several gateways take from one queue, each takes one of about the first at random, so that they
// seldom take the same.
func (q *Queue) Take(now time.Time, gateways int, reserve func(Takers) bool) *Item {
	for len(q.later.items) > 0 && !q.later.items[0].until.After(now) {
		i := q.later.items[0]
		q.leave(i)
		q.wait(i)
	}
	lanes := make([]*line, 0, len(q.lanes))
	for _, l := range q.lanes {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *line) int { return order(a.items[0], b.items[0]) })
	for _, l := range lanes {
		if !reserve(l.items[0].takers) {
			continue
		}
		first := l.items[:min(max(1, gateways), len(l.items))]
		i := first[rand.N(len(first))]
		if i.priority < first[0].priority {
			i = first[0]
		}
		q.leave(i)
		return i
	}
	return nil
}

// Back returns an order that was taken and not delivered to its place. It is not taken again before
// until; zero: at once. It does nothing where the attempt is not queued any more.
func (q *Queue) Back(i *Item, until time.Time) {
	if q.items[i.Order] != i || i.in != nil {
		return
	}
	if until.IsZero() {
		q.wait(i)
		return
	}
	i.until, i.in = until, &q.later
	heap.Push(i.in, i)
}

// wait puts an item into its lane.
func (q *Queue) wait(i *Item) {
	name := i.takers.lane()
	l := q.lanes[name]
	if l == nil {
		l = &line{before: func(a, b *Item) bool { return order(a, b) < 0 }}
		q.lanes[name] = l
	}
	i.in = l
	heap.Push(l, i)
}

// leave takes an item out of where it is.
func (q *Queue) leave(i *Item) {
	l := i.in
	heap.Remove(l, i.index)
	if i.in = nil; l != &q.later && len(l.items) == 0 {
		delete(q.lanes, i.takers.lane())
	}
}

func order(a, b *Item) int {
	return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.came, b.came))
}

func sooner(a, b *Item) bool { return a.until.Before(b.until) }

// line is a heap of items.
type line struct {
	before func(a, b *Item) bool
	items  []*Item
}

func (l *line) Len() int           { return len(l.items) }
func (l *line) Less(i, j int) bool { return l.before(l.items[i], l.items[j]) }
func (l *line) Swap(i, j int) {
	l.items[i], l.items[j] = l.items[j], l.items[i]
	l.items[i].index, l.items[j].index = i, j
}

// Push implements heap.Interface.
func (l *line) Push(x any) {
	i := x.(*Item)
	i.index = len(l.items)
	l.items = append(l.items, i)
}

// Pop implements heap.Interface.
func (l *line) Pop() any {
	last := len(l.items) - 1
	i := l.items[last]
	l.items[last] = nil
	l.items = l.items[:last]
	return i
}
