package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tcenvsvr/cmd/tccloud/internal/store"
)

// open makes a Log whose Run ends, having written all, when stop is called.
func open(t *testing.T, dir string, to *bytes.Buffer) (l *Log, st *store.Store, stop func()) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := st.Stream(t.Context(), StreamConfig(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	l = New(st.JS(), stream, slog.New(slog.NewTextHandler(to, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); run.Wait() })
	t.Cleanup(st.Close)
	t.Cleanup(stop)
	return l, st, stop
}

func list(t *testing.T, l *Log, before string, limit int) []Entry {
	t.Helper()
	got, err := l.List(t.Context(), before, limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestPages: all entries come, the newest first, each once, in pages of any size, and after a restart.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	l, st, stop := open(t, dir, new(bytes.Buffer))
	const n = 300
	for i := range n {
		e := Entry{Time: time.Now().UTC(), Who: "ada", Action: fmt.Sprint("POST ", i), Outcome: OK}
		if i%50 == 0 {
			l.Record(t.Context(), e)
		} else {
			l.Later(e)
		}
	}
	stop()
	for _, size := range []int{1, 7, batch, 1000} {
		seen, before := map[string]bool{}, ""
		for {
			page := list(t, l, before, size)
			if len(page) == 0 {
				break
			}
			if len(page) > size {
				t.Fatalf("a page of %d has %d", size, len(page))
			}
			for _, e := range page {
				if seen[e.Action] {
					t.Fatalf("%s comes twice", e.Action)
				}
				seen[e.Action] = true
			}
			before = page[len(page)-1].ID
		}
		if len(seen) != n {
			t.Errorf("pages of %d: got %d entries, want %d", size, len(seen), n)
		}
	}
	st.Close()
	l, _, _ = open(t, dir, new(bytes.Buffer))
	if got := list(t, l, "", 1000); len(got) != n {
		t.Errorf("after a restart: got %d", len(got))
	}
	for _, id := range []string{"1", "-1-2", "1-64", "1--1", "x-y", "01-2", "1-2 ", "99999999999999999999-1"} {
		if _, err := l.List(t.Context(), id, 1); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: got %v", id, err)
		}
	}
	if got := list(t, l, "18446744073709551615-63", 1); len(got) > 1 {
		t.Errorf("got %v", got)
	}
}

// TestHostileText: no field ends a line, steers a terminal or fills the log.
func TestHostileText(t *testing.T) {
	l, _, _ := open(t, t.TempDir(), new(bytes.Buffer))
	evil := "x\nadmin token  ok\x1b[2J\u202e\x00" + strings.Repeat("long", 1000)
	l.Record(t.Context(), Entry{Time: time.Now(), Who: evil, How: evil, From: evil, Action: evil, Outcome: evil, ID: evil})
	got := list(t, l, "", 1)[0]
	for _, s := range []string{got.Who, got.How, got.From, got.Action, got.Outcome} {
		if len(s) > maxField+10 || strings.ContainsAny(s, "\n\x1b\x00\u202e") {
			t.Errorf("got %q", s)
		}
	}
	if got.ID != "1-0" {
		t.Errorf("got id %q", got.ID)
	}
}

// TestRefusals: who is refused a thousand times does not push out what others did; how many were left
// out is known.
func TestRefusals(t *testing.T) {
	l, _, stop := open(t, t.TempDir(), new(bytes.Buffer))
	for range 1000 {
		l.Refused(Entry{Time: time.Now(), Action: "GET /", Outcome: "unauthorized"})
	}
	l.refused = New(nil, nil, nil).refused // a while later
	l.Refused(Entry{Time: time.Now(), Action: "GET /last", Outcome: "unauthorized"})
	stop()
	got := list(t, l, "", 1000)
	if len(got) != refusedBurst+1 || got[0].LeftOut != 1000-refusedBurst {
		t.Errorf("got %d entries, the newest %+v", len(got), got[0])
	}
}

// TestStoreAway: what cannot be stored is in the program's log.
func TestStoreAway(t *testing.T) {
	var to bytes.Buffer
	l, st, stop := open(t, t.TempDir(), &to)
	stop()
	st.Close()
	l.Record(t.Context(), Entry{Who: "ada", Action: "POST x", Outcome: OK})
	if !strings.Contains(to.String(), `who=ada`) || !strings.Contains(to.String(), "POST x") {
		t.Errorf("got %q", to.String())
	}
	var none *Log
	none.Record(t.Context(), Entry{})
	none.Later(Entry{})
	none.Refused(Entry{})
}

// TestUnreadable: a message that is damaged hides no others.
func TestUnreadable(t *testing.T) {
	l, st, _ := open(t, t.TempDir(), new(bytes.Buffer))
	l.Record(t.Context(), Entry{Action: "first"})
	many, _ := json.Marshal(make([]Entry, 1000))
	for _, data := range [][]byte{[]byte("{"), nil, []byte(`"x"`), many} {
		if _, err := st.JS().Publish(t.Context(), subject, data); err != nil {
			t.Fatal(err)
		}
	}
	l.Record(t.Context(), Entry{Action: "last"})
	got := list(t, l, "", 1000)
	if len(got) != 2+batch || got[0].Action != "last" || got[len(got)-1].Action != "first" {
		t.Errorf("got %d entries", len(got))
	}
}
