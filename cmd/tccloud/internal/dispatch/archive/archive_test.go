package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

func open(t *testing.T, s *store.Store) *Archive {
	t.Helper()
	a, err := Open(t.Context(), Config{Store: s, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	follow(t, a)
	return a
}

// follow has an archive know its index until the test ends.
func follow(t *testing.T, a *Archive) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-a.Ready()
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

var began = time.Date(2026, 11, 29, 22, 0, 0, 0, time.UTC)

// ended returns the execution that was created so many seconds after began.
func ended(second int) *record.Record {
	at := began.Add(time.Duration(second) * time.Second)
	r := &record.Record{Execution: record.Execution{
		ID: wire.OrderID(fmt.Sprintf("order-%d", second)), Environment: fmt.Sprint("env", second%2), Created: at, Queued: at, Attempt: 1,
		App: wire.AppRef{Name: "App"},
	}}
	o := wire.Succeeded
	if second%10 == 0 {
		o = wire.Failed
	}
	r.End(o, fmt.Sprintf("Reason %d", second), at.Add(time.Minute))
	return r
}

func add(t *testing.T, a *Archive, seconds ...int) {
	t.Helper()
	var all []*record.Record
	for _, s := range seconds {
		all = append(all, ended(s))
	}
	if err := a.Add(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

func span(from, to, step int) []int {
	var all []int
	for i := from; i < to; i += step {
		all = append(all, i)
	}
	return all
}

// list returns the seconds of all that the filter selects, page by page.
func list(t *testing.T, a *Archive, f record.Filter, limit int) []int {
	t.Helper()
	var all []int
	for before := (record.Place{}); ; {
		p, err := a.List(t.Context(), &f, before, limit)
		if err != nil || len(p.Found) > limit {
			t.Fatalf("%d found, %v", len(p.Found), err)
		}
		for _, r := range p.Found {
			all = append(all, int(r.Created.Sub(began)/time.Second))
		}
		if before = p.Rest; before.IsZero() {
			return all
		}
	}
}

// TestAdd: what comes in any order, and again, is there once, in the order of its places, for who
// added it, for another gateway, and for one that starts.
func TestAdd(t *testing.T) {
	s := openStore(t)
	a, other := open(t, s), open(t, s)
	add(t, a, span(1000, 3000, 2)...)
	add(t, a, span(4000, 7000, 1)...)
	add(t, a, 1001, 500, 6999, 8000) // into the middle, before all, again, after all
	add(t, a, span(1001, 3000, 2)...)
	want := slices.Concat([]int{500}, span(1000, 3000, 1), span(4000, 7000, 1), []int{8000})
	slices.Reverse(want)
	for name, a := range map[string]*Archive{"here": a, "elsewhere": other, "a new one": open(t, s)} {
		if _, err := a.catchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := list(t, a, record.Filter{}, 700); !slices.Equal(got, want) {
			t.Errorf("%s: got %d of %d: %v", name, len(got), len(want), got)
		}
		odd := slices.DeleteFunc(slices.Clone(want), func(s int) bool { return s%2 == 0 })
		if got := list(t, a, record.Filter{Environment: "env1"}, 7000); !slices.Equal(got, odd) {
			t.Errorf("%s, one Environment: got %d of %d", name, len(got), len(odd))
		}
		if got := list(t, a, record.Filter{Text: "reason 1999"}, 10); !slices.Equal(got, []int{1999}) {
			t.Errorf("%s, text: got %v", name, got)
		}
		if got := list(t, a, record.Filter{State: wire.State(wire.Failed), Since: began.Add(6970 * time.Second)}, 10); !slices.Equal(got, []int{8000, 6990, 6980, 6970}) {
			t.Errorf("%s, failed: got %v", name, got)
		}
		days := map[int]int{}
		a.Created("env1", func(d, n int) { days[d] += n })
		today := record.HourOf(began) / 24
		if days[today] != 1000+1500 || len(days) != 1 {
			t.Errorf("%s: created per day %v, want %d", name, days, 2500)
		}
		for _, sec := range []int{500, 1001, 6999, 8000} {
			if rec, err := a.Find(t.Context(), ended(sec).ID); err != nil || rec == nil || !rec.Created.Equal(ended(sec).Created) {
				t.Errorf("%s: found %v, %v", name, rec, err)
			}
			if !a.Has(ended(sec).Place()) {
				t.Errorf("%s: %d is not known", name, sec)
			}
		}
		if rec, err := a.Find(t.Context(), "none"); err != nil || rec != nil || a.Has(ended(3500).Place()) {
			t.Errorf("%s: found %v, %v", name, rec, err)
		}
	}
	holds, err := a.Holds(t.Context(), []record.Place{ended(8000).Place(), ended(3500).Place(), ended(1000).Place()})
	if err != nil || len(holds) != 2 || holds[ended(3500).Place()] {
		t.Errorf("holds %v, %v", holds, err)
	}
}

// TestWork: a page reads a bounded part of the archive, whatever the filter; what the index excludes
// is not read.
func TestWork(t *testing.T) {
	a := open(t, openStore(t))
	a.page = 4
	add(t, a, span(0, 8000, 1)...)
	p, err := a.List(t.Context(), &record.Filter{Text: "reason 17."}, record.Place{}, 10)
	if err != nil || len(p.Found) != 0 || p.Rest.IsZero() || p.Rest.Compare(ended(6000).Place()) > 0 {
		t.Errorf("found %d, goes on at %s, %v", len(p.Found), p.Rest, err)
	}
	if got := list(t, a, record.Filter{Text: "reason 17"}, 1000); len(got) == 0 || got[len(got)-1] != 17 {
		t.Errorf("got %v", got)
	}
	if p, err = a.List(t.Context(), &record.Filter{Environment: "none"}, record.Place{}, 10); err != nil || !p.Rest.IsZero() {
		t.Errorf("goes on at %s, %v", p.Rest, err)
	}
}

// TestTrim: what is old goes, the newest bytes stay, and nothing goes by a clock that is not trusted.
func TestTrim(t *testing.T) {
	s := openStore(t)
	a := open(t, s)
	add(t, a, span(0, 5000, 1)...)
	a.cfg.Trusted = func() bool { return false }
	if n, err := a.Trim(t.Context(), Bound{Age: time.Nanosecond}); n != 0 || err != nil {
		t.Errorf("without a clock: removed %d, %v", n, err)
	}
	a.cfg.Trusted = nil
	if n, err := a.Trim(t.Context(), Bound{Age: 1000 * 24 * time.Hour, Bytes: a.bytes / 2}); n < 2000 || n > 3500 || err != nil {
		t.Errorf("half of it: removed %d, %v", n, err)
	}
	got := list(t, a, record.Filter{}, 1000)
	if len(got) == 0 || got[0] != 4999 {
		t.Errorf("the newest are gone: %d are left", len(got))
	}
	if rec, err := a.Find(t.Context(), ended(0).ID); rec != nil || err != nil {
		t.Errorf("found %v, %v", rec, err)
	}
	if got = list(t, open(t, s), record.Filter{}, 1000); len(got) == 0 || got[0] != 4999 {
		t.Errorf("after a start %d are left", len(got))
	}
	add(t, a, 1) // into the time that was removed
	if got = list(t, a, record.Filter{}, 1000); got[len(got)-1] != 1 {
		t.Errorf("the last is %d", got[len(got)-1])
	}
}

// TestInterrupted: who is killed between two writes leaves nothing that is lost or twice there.
func TestInterrupted(t *testing.T) {
	s := openStore(t)
	a := open(t, s)
	add(t, a, span(0, 900, 1)...)
	parts := divide(rowsOf(t, span(0, 1500, 1)))
	data, err := encode(parts[1]) // the upper part, without its entry
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.segments.Create(t.Context(), parts[1][0].Place.String(), data); err != nil {
		t.Fatal(err)
	}
	add(t, a, span(900, 1500, 1)...)
	want := span(0, 1500, 1)
	slices.Reverse(want)
	if got := list(t, a, record.Filter{}, 1000); !slices.Equal(got, want) {
		t.Errorf("got %d of %d", len(got), len(want))
	}
}

// TestDamaged: what cannot be read is neither missing nor another execution, and all else is found.
func TestDamaged(t *testing.T) {
	s := openStore(t)
	a := open(t, s)
	add(t, a, span(0, 3000, 1)...)
	a.mu.Lock()
	var keys []string
	for _, e := range a.entries {
		keys = append(keys, e.First.String())
	}
	a.mu.Unlock()
	first, second := keys[0], keys[1]
	segment := func(key string, data []byte) {
		t.Helper()
		if _, err := a.segments.Put(t.Context(), key, data); err != nil {
			t.Fatal(err)
		}
	}
	good, err := a.segments.Get(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := decode(good.Value())
	if err != nil {
		t.Fatal(err)
	}
	packed := func(plain string) []byte {
		t.Helper()
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		return w.EncodeAll([]byte(plain), nil)
	}
	swapped := slices.Clone(rows)
	swapped[0].data, swapped[1].data = rows[1].data, rows[0].data
	other, err := encode(swapped)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"junk": []byte("junk"), "torn": good.Value()[:len(good.Value())/2], "no field": packed("\x01\x05ord"), "no number": packed("\xff\xff"),
		"no id": packed("\x01\x01 \x00"), "the same twice": packed("\x01\x01o\x00\x01\x01o\x00"), "rows that changed places": other,
	} {
		segment(second, data)
		if rec, err := a.Find(t.Context(), rows[0].ID); rec != nil || !errors.Is(err, errSegment) || !strings.Contains(err.Error(), "damaged segment of ended executions") {
			t.Errorf("%s: found %v, %v", name, rec, err)
		}
	}
	segment(second, good.Value())

	for name, value := range map[string]string{"junk": "junk", "half a hash": `{"ids":"AAAA"}`, "out of order": `{"ids":"AgAAAAAAAAABAAAAAAAAAA=="}`} {
		if _, err := a.index.Put(t.Context(), second, []byte(value)); err != nil {
			t.Fatal(err)
		}
		log := new(lockedBuffer) // that of the one before goes on writing to its own
		b, err := Open(t.Context(), Config{Store: s, Logger: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		follow(t, b)
		if text := log.String(); !strings.Contains(text, "ended executions cannot be found") || !strings.Contains(text, "damaged index of ended executions") || !strings.Contains(text, second) {
			t.Errorf("%s: the log is %s", name, text)
		}
		if rec, err := b.Find(t.Context(), ended(0).ID); rec == nil || err != nil || first >= second {
			t.Errorf("%s: what is elsewhere: %v, %v", name, rec, err)
		}
		if rec, err := b.Find(t.Context(), rows[0].ID); rec != nil || !errors.Is(err, bucket.ErrUnreadable) || !strings.Contains(err.Error(), "the index of ended executions") {
			t.Errorf("%s: found %v, %v", name, rec, err)
		}
	}
}

// lockedBuffer is for a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func rowsOf(t *testing.T, seconds []int) []row {
	t.Helper()
	var rows []row
	for _, s := range seconds {
		data, err := ended(s).Encode()
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{ended(s).Place(), data})
	}
	return rows
}

// TestTwoWriters: of two that believe to have the lease, none loses what the other one added. What one
// of them added by an index that was old is not held, and added again.
func TestTwoWriters(t *testing.T) {
	s := openStore(t)
	a, b := open(t, s), open(t, s)
	write := func(a *Archive, from int) {
		for i := from; i < 120; i += 2 {
			for {
				rec := ended(i)
				err := a.Add(t.Context(), []*record.Record{rec})
				if _, err := a.catchUp(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if holds, _ := a.Holds(t.Context(), []record.Place{rec.Place()}); err == nil && holds[rec.Place()] {
					break
				}
			}
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); write(b, 1) }()
	write(a, 0)
	<-done
	want := span(0, 120, 1)
	slices.Reverse(want)
	if got := list(t, open(t, s), record.Filter{}, 1000); !slices.Equal(got, want) {
		t.Errorf("got %d of %d", len(got), len(want))
	}
}

func TestDivide(t *testing.T) {
	big := func(n, size int) []row {
		var all []row
		for i := range n {
			all = append(all, row{record.Place{Created: int64(i), ID: "o"}, make([]byte, size)})
		}
		return all
	}
	for name, rows := range map[string][]row{
		"one": big(1, 10), "full": big(mostRows, 10), "one more": big(mostRows+1, 10), "many": big(12_345, 100),
		"large": big(10, 800<<10), "one large": slices.Concat(big(500, 10), big(1, 899<<10), big(500, 10)),
	} {
		parts := divide(rows)
		if got := slices.Concat(parts...); len(got) != len(rows) {
			t.Errorf("%s: %d of %d rows", name, len(got), len(rows))
		}
		for _, p := range parts {
			size := 0
			for _, r := range p {
				size += r.size()
			}
			if len(p) == 0 || len(p) > mostRows || size > mostBytes {
				t.Errorf("%s: a part of %d rows and %d bytes among %d", name, len(p), size, len(parts))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := encode([]row{{record.Place{Created: 1, ID: "a"}, []byte("{}")}, {record.Place{Created: 1, ID: "b"}, nil}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := decode(data)
		if err != nil {
			return
		}
		again, err := encode(rows)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decode(again)
		if err != nil || len(same) != len(rows) {
			t.Fatalf("%d rows became %d, %v", len(rows), len(same), err)
		}
		for _, r := range rows {
			_, _ = r.execution()
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	e := &entry{First: record.Place{Created: 5, ID: "o"}, Hours: map[string]map[int]record.Hour{"lab": {3: {Created: 1}}}, ids: []uint64{1, 1 << 63}}
	data, err := e.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.First.String(), data, uint64(1))
	f.Fuzz(func(t *testing.T, key string, data []byte, h uint64) {
		e, err := decodeEntry(key, data)
		if err != nil {
			return
		}
		if e.has(h) != slices.Contains(e.ids, h) {
			t.Errorf("%d in %v: %v", h, e.ids, e.has(h))
		}
		if again, err := e.encode(); err != nil {
			t.Error(err)
		} else if _, err = decodeEntry(key, again); err != nil {
			t.Error(err)
		}
	})
}
