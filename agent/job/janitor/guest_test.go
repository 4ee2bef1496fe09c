package janitor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func newGuest(t *testing.T, programs, jobs string) *Guest {
	t.Helper()
	g, err := NewGuest(programs, jobs)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(g.Job), 0o700), Make(g.Job), os.Mkdir(filepath.Join(g.Dir, "programs"), 0o700)); err != nil {
		t.Fatal(err)
	}
	return g
}

// A guest keeps its folders as long as it lives, however old they are; those of a dead one go,
// after what still runs in them has been ended.
func TestGuests(t *testing.T) {
	for _, own := range []bool{false, true} { // has the job's folder with it
		programs, jobs := t.TempDir(), ""
		if !own {
			jobs = t.TempDir()
		}
		alive, dead := newGuest(t, programs, jobs), newGuest(t, programs, jobs)
		dead.release() // as the kernel does
		if err := os.Mkdir(filepath.Join(programs, "."+guest+"file"), 0o700); err != nil {
			t.Fatal(err)
		}
		var reaped []string
		j := Janitor{Dir: jobs, Reap: func(_ context.Context, dir string) error { reaped = append(reaped, dir); return nil }}
		if !own {
			made(t, jobs, guest+"orphan", 0) // its Dir is gone: it was about to leave
			if err := j.Sweep(t.Context(), Bounds{Age: 0}, func(string) bool { return false }); err != nil {
				t.Error(err)
			}
			if !slices.Contains(names(t, jobs), alive.Session) {
				t.Error("a guest's folder was swept as an order's")
			}
		}
		if err := j.SweepGuests(t.Context(), programs, jobs); err != nil {
			t.Error(err)
		}
		if got, want := names(t, programs), []string{"." + alive.Session}; !slices.Equal(got, want) {
			t.Errorf("in programs there is %q, want %q", got, want)
		}
		if _, err := os.Stat(alive.Job); err != nil || !slices.Contains(reaped, dead.Job) || slices.Contains(reaped, alive.Job) {
			t.Errorf("the living has %v, ended were %q", err, reaped)
		}
		if !own && len(names(t, jobs)) != 1 {
			t.Errorf("in jobs there is %q", names(t, jobs))
		}
		if err := alive.Leave(t.Context(), j); err != nil {
			t.Error(err)
		}
		if left := names(t, programs); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// What still runs is not robbed of its folder.
func TestGuestThatCannotBeEnded(t *testing.T) {
	programs, jobs := t.TempDir(), t.TempDir()
	g := newGuest(t, programs, jobs)
	g.release()
	lives := errors.New("it lives")
	j := Janitor{Dir: jobs, Reap: func(context.Context, string) error { return lives }}
	if err := j.SweepGuests(t.Context(), programs, jobs); !errors.Is(err, lives) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(g.Job); err != nil {
		t.Error(err)
	}
	if err := j.Sweep(t.Context(), Bounds{Age: time.Hour}, func(string) bool { return false }); err != nil {
		t.Error(err)
	}
}
