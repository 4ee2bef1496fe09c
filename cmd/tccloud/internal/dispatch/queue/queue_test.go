package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

func ref(id string, attempt int) wire.Ref {
	return wire.Ref{Order: wire.OrderID(id), Attempt: wire.Attempt(attempt)}
}

// anyone is a server that may take what all may.
func anyone(t Takers) bool { return t.Have("s", nil) }

// TestOrder: the highest priority first, and of one priority the first that came; what comes back has
// its place.
func TestOrder(t *testing.T) {
	var q Queue
	now := time.Now()
	for _, p := range []int{5, 0, 9, 5} {
		q.Put(ref(fmt.Sprint(p, q.Len()), 1), p, Takers{}, time.Time{})
	}
	for range 2 {
		var taken []*Item
		for _, want := range []wire.OrderID{"9 2", "5 0", "5 3", "0 1"} {
			i := q.Take(now, 1, anyone)
			if i == nil || i.Order != want {
				t.Fatalf("got %v, want %s", i, want)
			}
			taken = append(taken, i)
		}
		if i := q.Take(now, 1, anyone); i != nil {
			t.Errorf("got %s from a queue of which all was taken", i.Order)
		}
		if q.Len() != 4 || q.Waits(Takers{}) {
			t.Errorf("%d are queued", q.Len())
		}
		for _, i := range slices.Backward(taken) {
			q.Back(i, now)
		}
	}
}

// TestTakers: what waits for certain servers holds up nobody, and is not looked at until one comes.
func TestTakers(t *testing.T) {
	var q Queue
	now := time.Now()
	q.Put(ref("only", 1), 9, Takers{Server: "x"}, time.Time{})
	q.Put(ref("sealed", 1), 9, Takers{Keys: []string{"k", "l"}}, time.Time{})
	q.Put(ref("both", 1), 8, Takers{Server: "x", Keys: []string{"l"}}, time.Time{})
	if q.Waits(Takers{}) || !q.Waits(Takers{Server: "x"}) || q.Waits(Takers{Server: "y"}) {
		t.Error("a new order waits for those that wait for others")
	}
	q.Put(ref("any", 1), 0, Takers{}, time.Time{})
	if !q.Waits(Takers{}) || !q.Waits(Takers{Server: "y"}) {
		t.Error("a new order does not wait for one that came before it")
	}
	take := func(server wire.ServerXID, opens ...string) wire.OrderID {
		i := q.Take(now, 1, func(t Takers) bool { return t.Have(server, opens) })
		if i == nil {
			return ""
		}
		return i.Order
	}
	for _, step := range []struct {
		server wire.ServerXID
		opens  string
		want   wire.OrderID
	}{{"y", "", "any"}, {"y", "", ""}, {"x", "", "only"}, {"x", "k", "sealed"}, {"y", "l", ""}, {"x", "l", "both"}} {
		if got := take(step.server, step.opens); got != step.want {
			t.Errorf("%s that opens %q got %q, want %q", step.server, step.opens, got, step.want)
		}
	}
}

// TestBack: what steps back comes again in time; what was removed or queued anew meanwhile does not.
func TestBack(t *testing.T) {
	var q Queue
	now := time.Now()
	q.Put(ref("o", 1), 5, Takers{}, now.Add(time.Minute))
	if i := q.Take(now, 1, anyone); i != nil {
		t.Errorf("%s was taken too early", i.Ref)
	}
	old := q.Take(now.Add(time.Minute), 1, anyone)
	if old == nil {
		t.Fatal("it did not come in time")
	}
	q.Put(ref("o", 2), 5, Takers{}, time.Time{})
	q.Back(old, time.Time{})
	if i := q.Take(now, 1, anyone); i == nil || i.Attempt != 2 {
		t.Errorf("got %v, want attempt 2", i)
	}
	q.Remove("o")
	q.Back(old, now)
	if i := q.Take(now.Add(time.Hour), 1, anyone); i != nil || q.Len() != 0 {
		t.Errorf("%v is queued", i)
	}
}

// TestAgainstList: whatever happens, the queue gives what a plain list would, to one gateway and to
// several, and forgets what has gone.
func TestAgainstList(t *testing.T) {
	for gateways := range 3 {
		var q Queue
		now, most := time.Now(), map[wire.OrderID]int{} // priority of what waits
		taken := map[wire.OrderID]*Item{}
		r := rand.New(rand.NewPCG(1, 2))
		for n := range 20_000 {
			id := wire.OrderID(fmt.Sprint(r.IntN(50)))
			switch r.IntN(4) {
			case 0:
				most[id] = r.IntN(10)
				delete(taken, id)
				q.Put(wire.Ref{Order: id, Attempt: wire.Attempt(n)}, most[id], Takers{}, time.Time{})
			case 1:
				delete(most, id)
				delete(taken, id)
				q.Remove(id)
			case 2:
				if i := taken[id]; i != nil {
					most[id] = i.priority
					delete(taken, id)
					q.Back(i, now)
				}
			case 3:
				i := q.Take(now, gateways+1, anyone)
				if i == nil != (len(most) == 0) {
					t.Fatalf("got %v, of %d that wait", i, len(most))
				}
				if i == nil {
					continue
				}
				for other, p := range most {
					if p > most[i.Order] {
						t.Fatalf("got priority %d, but %s has %d", most[i.Order], other, p)
					}
				}
				taken[i.Order] = i
				delete(most, i.Order)
			}
			if q.Len() != len(most)+len(taken) || len(q.lanes) > 1 {
				t.Fatalf("%d are queued in %d lanes, want %d", q.Len(), len(q.lanes), len(most)+len(taken))
			}
		}
	}
}

// BenchmarkTake: what an order costs must not grow with those that wait.
func BenchmarkTake(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var q Queue
			for i := range n {
				q.Put(ref(fmt.Sprint(i), 1), 5, Takers{}, time.Time{})
			}
			for b.Loop() {
				i := q.Take(time.Time{}, 1, anyone)
				q.Remove(i.Order)
				q.Put(i.Ref, 5, Takers{}, time.Time{})
			}
		})
	}
}
