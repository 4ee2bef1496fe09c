package signed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

// attempt is a verified order of the example's signature.
func attempt(id wire.OrderID, n wire.Attempt, retryable bool) *Verified {
	s := Signature{MadeAt: made.UnixMilli(), NotAfter: terms.NotAfter.UnixMilli(), Params: digest(nil)}
	return &Verified{signer: "ada", order: wire.Ref{Order: id, Attempt: n}, retryable: retryable, s: s}
}

// begun is a memory that began before the example was signed.
func begun(t *testing.T) (*Replays, string) {
	t.Helper()
	dir := t.TempDir()
	r := NewReplays(dir)
	if err := r.Ready(made.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func TestOnce(t *testing.T) {
	type end struct {
		outcome  wire.Outcome
		returned bool
	}
	for name, tt := range map[string]struct {
		retryable bool
		end       *end
		attempt   wire.Attempt
		want      error
	}{
		"the agent was restarted":    {attempt: 1},
		"while it runs":              {attempt: 2, want: ErrUnderWay},
		"retryable, while it runs":   {retryable: true, attempt: 2, want: ErrUnderWay},
		"after it succeeded":         {end: &end{wire.Succeeded, false}, attempt: 2, want: ErrReplayed},
		"same attempt":               {end: &end{wire.Succeeded, false}, attempt: 1, want: ErrReplayed},
		"retryable and succeeded":    {retryable: true, end: &end{wire.Succeeded, false}, attempt: 2, want: ErrReplayed},
		"retryable and failed":       {retryable: true, end: &end{wire.Failed, false}, attempt: 2, want: ErrReplayed},
		"retryable and cancelled":    {retryable: true, end: &end{wire.Cancelled, false}, attempt: 2, want: ErrReplayed},
		"interrupted":                {end: &end{wire.Interrupted, false}, attempt: 2, want: ErrReplayed},
		"retryable and interrupted":  {retryable: true, end: &end{wire.Interrupted, false}, attempt: 2},
		"returned: it never started": {end: &end{wire.Rejected, true}, attempt: 2},
	} {
		t.Run(name, func(t *testing.T) {
			r, dir := begun(t)
			if err := r.Start(attempt("o", 1, tt.retryable), nil, made); err != nil {
				t.Fatal(err)
			}
			if tt.end != nil {
				for range 2 { // the second one says nothing new
					if err := r.Ended(wire.Ref{Order: "o", Attempt: 1}, tt.end.outcome, tt.end.returned); err != nil {
						t.Fatal(err)
					}
				}
			}
			for what, r := range map[string]*Replays{"same agent": r, "next agent": NewReplays(dir)} {
				if err := r.Check(attempt("o", tt.attempt, tt.retryable), made); !errors.Is(err, tt.want) {
					t.Errorf("%s: check: %v, want %v", what, err, tt.want)
				}
			}
			if err := NewReplays(dir).Start(attempt("o", tt.attempt, tt.retryable), nil, made); !errors.Is(err, tt.want) {
				t.Errorf("start: %v, want %v", err, tt.want)
			}
			if err := r.Check(attempt("another", 1, false), made); err != nil {
				t.Errorf("another order: %v", err)
			}
		})
	}
}

func TestSpentBeforeItStarted(t *testing.T) {
	r, dir := begun(t)
	if err := r.Spend(attempt("o", 1, true), made); err != nil {
		t.Fatal(err)
	}
	if err := NewReplays(dir).Start(attempt("o", 2, true), nil, made); !errors.Is(err, ErrReplayed) || !strings.Contains(err.Error(), "as attempt 1; sign a new order") {
		t.Error(err)
	}
}

func TestRecover(t *testing.T) {
	r, dir := begun(t)
	for _, id := range []wire.OrderID{"known", "lost"} {
		if err := r.Start(attempt(id, 1, true), nil, made); err != nil {
			t.Fatal(err)
		}
	}
	r = NewReplays(dir)
	if err := r.Recover(made, func(ref wire.Ref) bool { return ref == wire.Ref{Order: "known", Attempt: 1} }); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[wire.OrderID]error{"known": nil, "lost": ErrReplayed} {
		if err := r.Check(attempt(id, 1, true), made); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
}

func TestAbsenceIsNoEvidence(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, dir string) string{
		"removed": func(t *testing.T, dir string) string {
			if err := os.Remove(filepath.Join(dir, memoryFile)); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"copied home": func(t *testing.T, dir string) string {
			if runtime.GOOS == "windows" {
				t.Skip("no cp")
			}
			to := filepath.Join(t.TempDir(), "copy")
			if out, err := exec.Command("cp", "-a", dir, to).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return to
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir := begun(t)
			dir = lose(t, dir)
			r, later := NewReplays(dir), made.Add(time.Minute)
			if err := r.Start(attempt("o", 1, true), nil, later); !errors.Is(err, ErrTooOld) {
				t.Errorf("signed before: %v", err)
			} else if want := "made at 2026-12-01T08:00:00Z, which is before 2026-12-01T08:01:00Z; sign it again under another id"; !strings.Contains(err.Error(), want) {
				t.Errorf("signed before: %v, want %q", err, want)
			}
			v := attempt("o", 1, true)
			v.s.MadeAt = later.UnixMilli()
			if err := r.Start(v, nil, later); err != nil {
				t.Errorf("signed now: %v", err)
			}
			if err := NewReplays(dir).Start(attempt("p", 1, true), nil, later.Add(time.Minute)); !errors.Is(err, ErrTooOld) {
				t.Errorf("after a restart: %v", err)
			}
		})
	}
}

// TestBegunByAClockThatWasAhead: a memory from tomorrow refuses all, and says how to get out.
func TestBegunByAClockThatWasAhead(t *testing.T) {
	dir := t.TempDir()
	if err := NewReplays(dir).Ready(made.Add(24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	const want = "it begins at 2026-12-02T08:00:00Z, and this host's clock says 2026-12-01T08:00:00Z: one of them is wrong; once the clock is right, move "
	r := NewReplays(dir)
	if err := r.Start(attempt("o", 1, false), nil, made); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestForgetting(t *testing.T) {
	r, dir := begun(t)
	if err := r.Start(attempt("o", 1, false), nil, made); err != nil {
		t.Fatal(err)
	}
	if err := r.Ready(terms.NotAfter.Add(margin)); err != nil || len(r.memory.entries) != 1 {
		t.Errorf("forgotten too early: %v", err)
	}
	if err := r.Ready(terms.NotAfter.Add(margin + time.Millisecond)); err != nil || len(r.memory.entries) != 0 {
		t.Errorf("not forgotten: %v", err)
	}
	r.memory.close() // the file is replaced, and the entry is gone from it
	if err := r.Ready(terms.NotAfter); err != nil {
		t.Fatal(err)
	}
	if err := NewReplays(dir).Start(attempt("o", 2, false), nil, made); !errors.Is(err, ErrTooOld) || !strings.Contains(err.Error(), "up to which this server has forgotten them, since its clock was set back; sign it again") {
		t.Errorf("after the clock was set back: %v", err)
	}
}

func TestBounded(t *testing.T) {
	r, dir := begun(t)
	r.max = 3
	for i := range deadAllowed * 3 / 5 { // retryable ones that come back
		if err := r.Start(attempt("o", wire.Attempt(i+1), true), nil, made); err != nil {
			t.Fatal(err)
		}
		if err := r.Ended(wire.Ref{Order: "o", Attempt: wire.Attempt(i + 1)}, wire.Interrupted, false); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, memoryFile)); err != nil || info.Size() > 100*deadAllowed {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	for i := range 4 {
		err := r.Start(attempt(wire.OrderID(fmt.Sprint("p", i)), 1, true), nil, made)
		if full := i == 3; errors.Is(err, ErrMemory) != full || !full && err != nil {
			t.Errorf("order %d: %v", i, err)
		}
	}
	if err := r.Start(attempt("p0", 1, true), nil, made); err != nil {
		t.Errorf("one that is known already: %v", err)
	}
}

func TestDamage(t *testing.T) {
	r, dir := begun(t)
	for _, id := range []wire.OrderID{"a", "b"} {
		if err := r.Start(attempt(id, 1, false), nil, made); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, memoryFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := []byte(string(whole))
		damaged[i] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		err := NewReplays(dir).Ready(made)
		if last := i == len(whole)-1; !errors.Is(err, ErrMemory) && !last {
			t.Fatalf("byte %d of %q damaged: %v", i, whole, err)
		}
	}
	if err := os.WriteFile(path, whole[:len(whole)-5], 0o600); err != nil { // cut off while "b" was written
		t.Fatal(err)
	}
	r = NewReplays(dir)
	for id, want := range map[wire.OrderID]error{"a": ErrUnderWay, "b": nil} {
		if err := r.Check(attempt(id, 2, false), made); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
	const damaged = "line 1: it is damaged; move the file away: what was signed before then is refused"
	for name, tt := range map[string]struct{ content, want string }{
		"empty": {"", damaged}, "zeros": {strings.Repeat("\x00", 100), damaged}, "line ends": {"\n\n", damaged},
		"too few words":   {sum(headerWord + " 1 0"), damaged},
		"no number":       {sum(headerWord + " 1 a 0 AA 1 1"), damaged},
		"a later version": {sum(headerWord + " 2 0"), `line 1: it begins with "tcenvsvr-signed-orders 2", want "tcenvsvr-signed-orders 1"`},
		"a later word":    {header{place: r.memory.place}.String() + sum("paused o 1 2 0"), "line 2: it is damaged; move the file away"},
		"more words":      {header{place: r.memory.place}.String() + sum("started o 1 2 0 0"), "line 2: it is damaged"},
	} {
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		r = NewReplays(dir)
		if err := r.Start(attempt("c", 1, false), nil, made); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Ready(made); err != nil {
		t.Errorf("not read again: %v", err)
	}
}

func TestDiskThatFails(t *testing.T) {
	r, dir := begun(t)
	if err := r.Start(attempt("a", 1, false), nil, made); err != nil {
		t.Fatal(err)
	}
	r.memory.file.Close() // as good as an I/O error
	if err := r.Start(attempt("b", 1, false), nil, made); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("write error: %v", err)
	}
	away := dir + ".away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(attempt("b", 1, false), nil, made); !errors.Is(err, ErrMemory) {
		t.Errorf("no folder: %v", err)
	}
	if err := r.Ended(wire.Ref{Order: "a", Attempt: 1}, wire.Succeeded, false); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "noting the end of signed order a") {
		t.Errorf("no folder, and an order ends: %v", err)
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(attempt("b", 1, false), nil, made); err != nil {
		t.Errorf("the folder is there again: %v", err)
	}
	if err := NewReplays(dir).Start(attempt("a", 2, false), nil, made); !errors.Is(err, ErrUnderWay) {
		t.Errorf("forgot one: %v", err)
	}
	var none *Replays
	if err := none.Start(attempt("a", 1, false), nil, made); !errors.Is(err, ErrMemory) {
		t.Errorf("no memory at all: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	r, dir := begun(t)
	won := make(chan wire.Attempt)
	for i := range 8 {
		go func() {
			if r.Start(attempt("o", wire.Attempt(i+1), true), nil, made) == nil {
				won <- wire.Attempt(i + 1)
				return
			}
			won <- 0
		}()
	}
	winners := 0
	for range 8 {
		if <-won > 0 {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d attempts started", winners)
	}
	if err := NewReplays(dir).Ready(made); err != nil {
		t.Error(err)
	}
}

func BenchmarkVerifyAndStart(b *testing.B) {
	r := NewReplays(b.TempDir())
	if err := r.Ready(made); err != nil {
		b.Fatal(err)
	}
	o := example()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		o.Order = wire.OrderID(fmt.Sprint("o", i))
		s := mustSign(b, o)
		b.StartTimer()
		v, err := Verify(o, s, "plant-7", []Key{operator()}, made)
		if err == nil {
			err = r.Start(v, o.Params, made)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte(header{born: 1, forgot: 2}.String() + line{entry{"o", 1, 2, false, true}, false}.String() + line{entry{order: "o"}, true}.String()))
	f.Add([]byte(header{}.String() + "started o 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := memory{entries: make(map[wire.OrderID]entry)}
		_, _ = m.parse(data)
		first, rest, _ := strings.Cut(string(data), "\n")
		if h, err := parseHeader(first + "\n"); err == nil && h.String() != first+"\n" {
			t.Errorf("%q becomes %q", first, h)
		}
		if l, err := parseLine(rest); err == nil && l.String() != rest {
			t.Errorf("%q becomes %q", rest, l)
		}
	})
}
