package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/updater/handover"
)

var (
	at     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	digest = func(c string) handover.Sum { return handover.Sum(strings.Repeat(c, 64)) }
	one    = handover.Image{Slot: handover.SlotA, Version: "1.1.0", SHA256: digest("a"), Size: 100}
	two    = handover.Image{Slot: handover.SlotB, Version: "1.2.0", SHA256: digest("b"), Size: 200}
)

// full has everything that a state can have.
func full() State {
	s := New()
	s.Package(Seen{"1.0.0", digest("0")}, at)
	s.Active, s.Hold, s.Pin = &one, "why", "1.2.0"
	s.Stage(two, at)
	s.Try(Boot{"boot", time.Second}, at)
	s.Started(two, Boot{"boot", time.Second})
	s.mark(handover.Image{Slot: handover.SlotA, Version: "0.9.0", SHA256: digest("c"), Size: 1}, handover.Hang, "never ready", at)
	return s
}

func TestSavedIsLoaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: got %v, want %v", err, os.ErrNotExist)
	}
	want := full()
	if err := Save(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if err := Save(path, State{}); err == nil {
		t.Error("a state without a format was saved")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := full()
	b := a.Clone()
	b.Candidate.Tries, b.Active.Version, b.Bad[0].Reason, b.Launch.Ended, b.Last.Reason = 3, "9", "9", true, "9"
	if diff := cmp.Diff(full(), a); diff != "" {
		t.Errorf("changed with its clone:\n%s", diff)
	}
}

func TestAPowerCutUnderACandidateIsNotItsFault(t *testing.T) {
	s := New()
	s.Stage(two, at)
	for boot := range 8 {
		now := Boot{ID: string(rune('a' + boot))}
		if !s.Try(now, at) {
			t.Fatalf("given up at boot %d", boot)
		}
		if s.Candidate.Tries != 1 {
			t.Fatalf("%d tries at boot %d, want 1", s.Candidate.Tries, boot)
		}
		s.Started(two, now)
	}
	// But not for ever.
	for range 3 {
		s.Try(Boot{ID: "last"}, at)
		s.Started(two, Boot{ID: "last"})
	}
	if s.Candidate != nil || s.Marked(two.SHA256) == nil {
		t.Errorf("still on trial: %+v", s.Candidate)
	}
}

func TestMarksAreBounded(t *testing.T) {
	s := New()
	for i := range 100 {
		s.mark(handover.Image{Slot: handover.SlotA, Version: "1.0.0", SHA256: handover.Sum(strings.Repeat("0", 62) + string("0123456789"[i/10]) + string("0123456789"[i%10])), Size: 1}, handover.Crash, strings.Repeat("é\n", 1000), at)
	}
	if len(s.Bad) != maxBad || len(s.Bad[0].Reason) > maxText || strings.Contains(s.Bad[0].Reason, "\n") {
		t.Errorf("%d marks, reason of %d bytes", len(s.Bad), len(s.Bad[0].Reason))
	}
	if _, err := Encode(s); err != nil {
		t.Error(err)
	}
}

func TestVacateKeepsWhatRuns(t *testing.T) {
	for name, c := range map[string]struct{ active, previous, candidate, wantActive, wantPrevious *handover.Image }{
		"the previous one goes":  {&one, &two, nil, &one, nil},
		"the candidate goes":     {&one, nil, &two, &one, nil},
		"the active one is lost": {&two, &one, nil, &one, nil},
		"nothing is there":       {nil, nil, nil, nil, nil},
	} {
		s := New()
		s.Active, s.Previous = c.active, c.previous
		if c.candidate != nil {
			s.Stage(*c.candidate, at)
		}
		s.Vacate(handover.SlotB)
		if s.Candidate != nil || cmp.Diff(c.wantActive, s.Active)+cmp.Diff(c.wantPrevious, s.Previous) != "" {
			t.Errorf("%s: got active %v, previous %v, candidate %v", name, s.Active, s.Previous, s.Candidate)
		}
	}
}

func TestExitIsBounded(t *testing.T) {
	e := Exit{"exit-code\nfake: line", strings.Repeat("x", 1000), "\x1b[2J"}
	if got := e.String(); len(got) > 80 || strings.ContainsAny(got, "\n\x1b:") {
		t.Errorf("got %q", got)
	}
	if got := (Exit{}).Class(); got != handover.Crash {
		t.Errorf("nothing known: got %s, want %s", got, handover.Crash)
	}
}

// What is decoded can be encoded, and is the same then.
func FuzzDecode(f *testing.F) {
	seed, err := Encode(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	for _, s := range []string{"", "null", "{}", `{"format":1}`, `{"format":1,"last":{"at":"9999-12-31T23:59:59Z"}}`, `{"FORMAT":1,"bad":[{}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			return
		}
		once, err := Encode(s)
		if err != nil {
			t.Fatalf("decoded and cannot be encoded: %v", err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("encoded and cannot be decoded: %v", err)
		}
		if twice, err := Encode(again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v\n%s\n%s", err, once, twice)
		}
	})
}

// No sequence of events, in any order, makes a state that cannot be saved, ends without a start
// counted, or blesses what was not tried.
func FuzzMoves(f *testing.F) {
	f.Add([]byte("stbse1u"))
	f.Add([]byte("1s2t3tetet"))
	f.Add([]byte("st75tbvsvtu"))
	f.Fuzz(func(t *testing.T, events []byte) {
		s := New()
		slot := handover.SlotA
		for i, e := range events {
			switch e {
			case 's':
				if s.Active != nil {
					slot = s.Active.Slot.Other()
				}
				s.Vacate(slot)
				s.Stage(handover.Image{Slot: slot, Version: "1.2.0", SHA256: digest("b"), Size: 5}, at)
			case 't':
				boot := Boot{ID: string(rune('a' + i%3))}
				if s.Try(boot, at) {
					s.Started(s.Candidate.Image, boot)
				}
			case 'b':
				if s.OnProbation() {
					s.Bless(at)
				}
			case 'e', '7', '9':
				s.End(map[byte]handover.Class{'e': handover.Crash, '7': handover.Clean, '9': handover.Policy}[e], "x", at)
			case 'u':
				s.Undo("x", at)
			case 'v':
				s.Vacate(slot.Other())
			case 'r':
				s.Revoke([]string{string(digest("b"))}, at)
			case 'f':
				s.Resume(at)
			case '1', '2', '3':
				s.Package(Seen{"1." + string(e) + ".0", digest(string(e))}, at)
			}
			if _, err := Encode(s); err != nil {
				t.Fatalf("after %q: %v", events[:i+1], err)
			}
			if c := s.Candidate; c != nil && c.Tries+c.Returned > maxTries+maxReturned {
				t.Fatalf("after %q: %d starts", events[:i+1], c.Tries+c.Returned)
			}
		}
	})
}
