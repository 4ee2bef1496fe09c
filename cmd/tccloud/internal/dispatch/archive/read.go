package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch/record"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// pageSegments bounds how many segments a page of a list reads.
const pageSegments = 32

// behindFor is how long a reader waits for what other gateways have written.
const behindFor = 5 * time.Second

// Find returns the execution, nil where it is certainly not here.
func (a *Archive) Find(ctx context.Context, id wire.OrderID) (*record.Record, error) {
	rec, moved, err := a.find(ctx, id)
	if err != nil || rec != nil {
		return rec, err
	}
	behind, err := a.catchUp(ctx) // another gateway may have moved it here a moment ago
	if err != nil || !behind && !moved {
		return nil, err
	}
	rec, _, err = a.find(ctx, id)
	return rec, err
}

// Known is Find by what this gateway knows already: it may miss what came here within the last minute.
func (a *Archive) Known(ctx context.Context, id wire.OrderID) (*record.Record, error) {
	rec, _, err := a.find(ctx, id)
	return rec, err
}

// find searches by the index as it is known here. moved: the execution was in a segment that has
// been divided since.
func (a *Archive) find(ctx context.Context, id wire.OrderID) (rec *record.Record, moved bool, err error) {
	h := hash(id)
	a.mu.Lock()
	var keys []string
	for _, e := range a.entries {
		if e.has(h) {
			keys = append(keys, e.First.String())
		}
	}
	broken := len(a.broken) > 0
	a.mu.Unlock()
	for _, key := range keys {
		rows, _, err := a.read(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			moved = true // removed, most likely
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if i := slices.IndexFunc(rows, func(r row) bool { return r.ID == id }); i >= 0 {
			rec, err := rows[i].execution()
			return rec, false, err
		}
		moved = true
	}
	if broken {
		return nil, false, fmt.Errorf("reading execution %s: %w: the index of ended executions", id, bucket.ErrUnreadable)
	}
	return nil, moved, nil
}

// catchUp waits until this gateway knows of the index what there is now, and reports whether it had
// to.
func (a *Archive) catchUp(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, behindFor)
	defer cancel()
	st, err := a.cfg.Store.JS().Stream(ctx, bucket.ValuesPrefix+indexBucket)
	if err != nil {
		return false, fmt.Errorf("asking for the index of ended executions: %w", err)
	}
	want := st.CachedInfo().State.LastSeq
	for waited := false; ; waited = true {
		a.mu.Lock()
		seen := a.newest
		a.mu.Unlock()
		if seen >= want {
			return waited, nil
		}
		select {
		case <-ctx.Done():
			return true, fmt.Errorf("waiting for the index of ended executions: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// read returns the rows of a segment and its revision.
func (a *Archive) read(ctx context.Context, key string) ([]row, uint64, error) {
	e, err := a.segments.Get(ctx, key)
	if err != nil {
		return nil, 0, fmt.Errorf("reading ended executions from %s on: %w", key, err)
	}
	rows, err := decode(e.Value())
	if err != nil {
		return nil, 0, fmt.Errorf("reading ended executions from %s on: %w", key, err)
	}
	return rows, e.Revision(), nil
}

// Page is a part of a list.
type Page struct {
	Found []*record.Record // newest first
	// Rest is the place below which nothing was looked at; zero: there is nothing more.
	Rest record.Place
}

// List returns executions that the filter selects, newest first, from before a place on (zero: from
// the newest), at most so many. It reads no more than a.page segments, whatever it finds.
func (a *Archive) List(ctx context.Context, f *record.Filter, before record.Place, limit int) (Page, error) {
	if before.IsZero() {
		before = Last
	}
	for again := true; ; again = false {
		p, changed, err := a.list(ctx, f, before, limit)
		if err != nil || !changed || !again {
			return p, err
		}
		if _, err := a.catchUp(ctx); err != nil {
			return Page{}, err
		}
	}
}

// part is a segment as the index has it.
type part struct {
	key      string
	end      record.Place
	revision uint64
}

// parts are the segments before a place that may have what the filter selects, the newest first, and
// no more than one page reads, and one.
func (a *Archive) parts(f *record.Filter, before record.Place) []part {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []part
	for i := a.of(before); i >= 0 && len(all) <= a.page; i-- {
		e, end := a.entries[i], a.end(i)
		if !f.Since.IsZero() && end.Created < f.Since.UnixMilli() {
			break
		}
		if e.mayHave(f) && (i == 0 || e.First.Compare(before) < 0) {
			all = append(all, part{e.First.String(), end, e.segment})
		}
	}
	return all
}

// list is List by the index as it is known here. changed: a segment is another one by now, so that
// something may be missing.
func (a *Archive) list(ctx context.Context, f *record.Filter, before record.Place, limit int) (p Page, changed bool, err error) {
	want := prefilter(f)
	for n, s := range a.parts(f, before) {
		if n == a.page {
			p.Rest = s.end
			return p, changed, nil
		}
		rows, revision, err := a.read(ctx, s.key)
		changed = changed || revision != s.revision
		if errors.Is(err, jetstream.ErrKeyNotFound) { // removed, most likely
			continue
		}
		if err != nil {
			return p, false, err
		}
		for _, r := range slices.Backward(rows) {
			if r.Compare(before) >= 0 || r.Compare(s.end) >= 0 || !want(r.data) {
				continue
			}
			rec, err := r.execution()
			if err != nil {
				return p, false, err
			}
			if !f.Matches(&rec.Execution) {
				continue
			}
			if p.Found = append(p.Found, rec); len(p.Found) == limit {
				p.Rest = r.Place
				return p, changed, nil
			}
		}
	}
	return p, changed, nil
}

// prefilter returns a quick test of stored executions that is true for all that the filter selects.
func prefilter(f *record.Filter) func([]byte) bool {
	var needles [][]byte
	contains := func(name, value string) {
		if value == "" {
			return
		}
		v, _ := json.Marshal(value)
		needles = append(needles, []byte(`"`+name+`":`+string(v)))
	}
	contains("environment", f.Environment)
	contains("name", f.App)
	contains("server", string(f.Server))
	if f.State != record.Ended {
		contains("state", string(f.State))
	}
	text := []byte(nil)
	if plainText(f.Text) && len(f.Jobs) == 0 {
		text = []byte(strings.ToLower(f.Text))
	}
	return func(data []byte) bool {
		for _, n := range needles {
			if !bytes.Contains(data, n) {
				return false
			}
		}
		return text == nil || bytes.Contains(bytes.ToLower(data), text)
	}
}

// plainText reports whether JSON writes s as it is. Letters beyond ASCII are left out: one of them in
// lower case may be another one's upper case.
func plainText(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }) < 0
}
