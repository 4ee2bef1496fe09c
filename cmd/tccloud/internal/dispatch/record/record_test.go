package record

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/wire"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// at returns a record whose first attempt is in the given state on server "s".
func at(state wire.State, change ...func(*Record)) *Record {
	r := &Record{Execution: Execution{ID: "o", State: state, Attempt: 1, Server: "s"}, Inputs: &Inputs{}}
	if state == wire.StateQueued {
		r.Server = ""
	}
	for _, c := range change {
		c(r)
	}
	return r
}

func hold(r *Record)      { r.Hold = true }
func granted(r *Record)   { r.Granted = true }
func retryable(r *Record) { r.Retryable = true }
func cancelled(r *Record) { r.Cancel = now }
func fifth(r *Record)     { r.Attempt, r.Lost = 5, 4 }

// TestLost is the table of the package documentation.
func TestLost(t *testing.T) {
	q, i, c := wire.StateQueued, wire.State(wire.Interrupted), wire.State(wire.Cancelled)
	for _, tc := range []struct {
		name          string
		rec           *Record
		missing, gone wire.State
	}{
		{"delivered", at(wire.StateDelivered), q, i},
		{"accepted", at(wire.StateAccepted), i, i},
		{"running", at(wire.StateRunning), i, i},
		{"held", at(wire.StateAccepted, hold), q, q},
		{"held, preparing", at(wire.StatePreparing, hold), q, q},
		{"held, granted", at(wire.StatePreparing, hold, granted), i, i},
		{"held, already running", at(wire.StateRunning, hold), i, i},
		{"running, retryable", at(wire.StateRunning, retryable), q, q},
		{"running, retryable, attempts used up", at(wire.StateRunning, retryable, fifth), i, i},
		{"delivered, to be cancelled", at(wire.StateDelivered, cancelled), c, i},
		{"running, retryable, to be cancelled", at(wire.StateRunning, retryable, cancelled), i, i},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, g := tc.rec.Clone(), tc.rec.Clone()
			m.Missing("", 5, now)
			g.Gone(time.Minute, 5, now)
			if m.State != tc.missing || g.State != tc.gone {
				t.Errorf("missing = %s, gone = %s; want %s, %s", m.State, g.State, tc.missing, tc.gone)
			}
			for _, r := range []*Record{m, g} {
				if r.Terminal() != (r.Inputs == nil) {
					t.Errorf("state %s keeps inputs: %v", r.State, r.Inputs != nil)
				}
				if r.State == q && (r.Attempt != tc.rec.Attempt+1 || len(r.History) != 1 || r.Server != "") {
					t.Errorf("requeued as attempt %d with %d past ones on server %q", r.Attempt, len(r.History), r.Server)
				}
			}
		})
	}
}

// TestMissingInAnotherJournal: an agent with a copied identity does not know what was started by
// the other one.
func TestMissingInAnotherJournal(t *testing.T) {
	for journal, want := range map[string]wire.State{
		"here": wire.StateQueued, "": wire.StateQueued, "elsewhere": wire.State(wire.Interrupted),
	} {
		r := at(wire.StateDelivered)
		r.Journal = "here"
		if r.Missing(journal, 5, now); r.State != want {
			t.Errorf("missing in journal %q: %s; want %s", journal, r.State, want)
		}
	}
}

// TestFence: whatever is said about another attempt, by another server or after the end changes
// nothing.
func TestFence(t *testing.T) {
	ended := at(wire.StateRunning)
	ended.End(wire.TimedOut, "", now)
	for _, tc := range []struct {
		name   string
		rec    *Record
		ref    wire.Ref
		server wire.ServerXID
	}{
		{"older attempt", at(wire.StateRunning, fifth), wire.Ref{Order: "o", Attempt: 1}, "s"},
		{"other server", at(wire.StateRunning), wire.Ref{Order: "o", Attempt: 1}, "t"},
		{"queued again", at(wire.StateQueued), wire.Ref{Order: "o", Attempt: 1}, ""},
		{"ended", ended, wire.Ref{Order: "o", Attempt: 1}, "s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := *tc.rec
			for name, err := range map[string]error{
				"accept":   tc.rec.Accept(tc.ref, tc.server, true, now),
				"progress": tc.rec.Progress(tc.ref, tc.server, wire.StateRunning, now),
				"grant":    tc.rec.Grant(tc.ref, tc.server),
				"finish":   tc.rec.Finish(&wire.Result{Ref: tc.ref, Outcome: wire.Succeeded}, tc.server, 5, now),
			} {
				if !errors.Is(err, ErrStale) {
					t.Errorf("%s: %v, want ErrStale", name, err)
				}
			}
			if diff := cmp.Diff(before, *tc.rec); diff != "" {
				t.Errorf("changed all the same: %s", diff)
			}
		})
	}
}

// TestAgain: what an agent says again changes nothing, and need not be written.
func TestAgain(t *testing.T) {
	r, ref := at(wire.StateRunning), wire.Ref{Order: "o", Attempt: 1}
	for name, err := range map[string]error{
		"accept":   r.Accept(ref, "s", false, now),
		"progress": r.Progress(ref, "s", wire.StatePreparing, now),
	} {
		if !errors.Is(err, ErrUnchanged) {
			t.Errorf("%s: %v, want ErrUnchanged", name, err)
		}
	}
}

func TestCloneIsIndependent(t *testing.T) {
	a := at(wire.StateDelivered)
	a.requeue("first", now)
	b, c := a.Clone(), a.Clone()
	b.requeue("b", now)
	c.requeue("c", now)
	if len(a.History) != 1 || b.History[1].Reason != "b" || c.History[1].Reason != "c" {
		t.Errorf("histories share memory: %v %v %v", a.History, b.History, c.History)
	}
}

func FuzzDecode(f *testing.F) {
	data, _ := at(wire.StateRunning, hold).Encode()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		one, err := r.Encode()
		if err != nil {
			t.Skip(err) // a year beyond 9999 cannot be written
		}
		again, err := Decode(one)
		if err != nil {
			t.Fatal(err)
		}
		if two, _ := again.Encode(); string(one) != string(two) {
			t.Errorf("not the identity: %s, %s", one, two)
		}
	})
}
