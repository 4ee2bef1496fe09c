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

// What is written by hand, or by a disk that forgets, is no state: with one of these the wrong
// program could start.
func TestAStateThatCannotBe(t *testing.T) {
	whole, err := Encode(full())
	if err != nil {
		t.Fatal(err)
	}
	a, b := string(digest("a")), string(digest("b"))
	for name, c := range map[string]struct{ old, new, says string }{
		"another format":      {`"format": 1`, `"format": 2`, "format 2, not 1"},
		"one slot twice":      {`"slot": "b"`, `"slot": "a"`, `candidate: slot "a" cannot be (already "active")`},
		"the package's slot":  {`"slot": "a"`, `"slot": "baseline"`, `active: slot "baseline" cannot be`},
		"a path as the slot":  {`"slot": "a"`, `"slot": "../../tmp"`, `there is no slot "../../tmp"`},
		"a digest too short":  {a, a[1:], `active: "` + a[1:] + `" is not a SHA-256`},
		"a digest in capital": {a, strings.ToUpper(a), "is not a SHA-256"},
		"of a mark":           {string(digest("c")), "c", `bad: "c" is not a SHA-256`},
		"of the package":      {string(digest("0")), "0", `baseline_seen: "0" is not a SHA-256`},
		"of what was started": {`"launch": {
    "slot": "b",
    "version": "1.2.0",
    "sha256": "` + b, `"launch": {
    "slot": "b",
    "version": "1.2.0",
    "sha256": "`, `launch: "" is not a SHA-256`},
		"a size below zero":  {`"size": 100`, `"size": -1`, "active: a program of -1 bytes"},
		"a size of all":      {`"size": 100`, `"size": 9223372036854775807`, "a program of 9223372036854775807 bytes"},
		"a steered terminal": {`"version": "1.1.0"`, `"version": "\u001b[2J"`, `active: "?[2J" is not a version`},
		"a long version":     {`"version": "1.1.0"`, `"version": "1.1.0-` + strings.Repeat("x", 60) + `"`, "is not a version"},
		"a pin on anything":  {`"pin": "1.2.0"`, `"pin": "latest"`, `pin "latest" is not a version`},
		"a long text":        {`"hold": "why"`, `"hold": "` + strings.Repeat("x", 301) + `"`, "a text is too long or not printable"},
		"a text of two":      {`"never ready"`, `"never\nready"`, "a text is too long or not printable"},
		"too many tries":     {`"tries": 1`, `"tries": 4`, "candidate: 4 tries, 0 returned"},
		"an unknown field":   {`"format": 1`, `"format": 1, "run": "/tmp/x"`, "unknown field"},
		"two states":         {"\n}\n", "\n}\n{}", "something follows the state"},
		"a cut":              {"\n}\n", "", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(string(whole), c.old) {
				t.Fatalf("the state has no %s", c.old)
			}
			path := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(path, []byte(strings.Replace(string(whole), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load(path)
			if !errors.Is(err, ErrTorn) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v that names the file and says %q", err, ErrTorn, c.says)
			}
			if diff := cmp.Diff(New(), got); diff != "" {
				t.Errorf("something of it is used:\n%s", diff)
			}
		})
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
