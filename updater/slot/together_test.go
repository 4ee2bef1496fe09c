package slot_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/disk/filelock"
	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/state"
)

func TestTwoUpdatersAtOnce(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	s.offer("1.2.0")
	var took sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			var err error
			one := slot.New(s.config())
			if i%4 == 0 { // a candidate has three starts
				_, err = one.Select()
			} else {
				var asked bool
				if asked, err = one.Apply(t.Context()); asked {
					took.Store(i, true)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := 0
	took.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d took the one request", n)
	}
	s.wantChoice("1.2.0", true)
}

// An update that hangs with the lock does not keep the agent down, and what is started meanwhile is
// no candidate: its start could not be counted.
func TestSelectGoesOnWithoutTheLock(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	s.offer("1.2.0")
	s.must(s.apply())
	release, err := filelock.Try(filepath.Join(s.dir, "lib", "lock"))
	s.must(err)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s.wantChoice("1.1.0", false)
		if waited := time.Since(start); waited < 10*time.Second || waited > 11*time.Second {
			t.Errorf("waited %s, want 10s", waited)
		}
		if _, err := s.slots().Bless(); !errors.Is(err, slot.ErrBusy) {
			t.Errorf("got %v, want %v", err, slot.ErrBusy)
		}
	})
	if got := s.status().Candidate.Tries; got != 0 {
		t.Errorf("%d starts were counted", got)
	}
	release()
	s.wantChoice("1.2.0", true)
}

// The wall clock stands in records only: here it is the year 2000, then ten years more, then 2000
// again.
func TestAWrongClockDecidesNothing(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	for _, ahead := range []time.Duration{0, 10 * 365 * 24 * time.Hour, 0} {
		synctest.Test(t, func(*testing.T) {
			time.Sleep(ahead)
			s.wantChoice("1.1.0", false)
			s.offer("1.2.0")
			s.must(s.apply())
			s.wantChoice("1.2.0", true)
			if got, err := s.slots().Bless(); err != nil || got != slot.Pending {
				t.Errorf("got %q and %v, want %q", got, err, slot.Pending)
			}
			s.ended("watchdog", "killed", "ABRT", handover.Hang)
			s.wantChoice("1.1.0", false)
			s.must(s.slots().Retry("1.2.0"))
		})
	}
}

func TestATornStateStartsTheBaseline(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"format":1,"act`, "zeros": strings.Repeat("\x00", 200), "null": "null", "other format": `{"format":2}`,
		"unknown key": `{"format":1,"exec":"/bin/sh"}`, "more behind it": `{"format":1} {}`, "endless": `{"format":1,"hold":"` + strings.Repeat("x", 1<<20) + `"}`,
		"path for a slot": `{"format":1,"active":{"slot":"../../tmp","version":"1.1.0","sha256":"` + sum(nil) + `","size":1}}`,
		"slot twice":      `{"format":1,"active":{"slot":"a","version":"1.1.0","sha256":"` + sum(nil) + `","size":1},"previous":{"slot":"a","version":"1.0.1","sha256":"` + sum(nil) + `","size":1}}`,
		"negative tries":  `{"format":1,"candidate":{"slot":"a","version":"1.1.0","sha256":"` + sum(nil) + `","size":1,"tries":-9000}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.update("1.1.0")
			s.must(os.WriteFile(filepath.Join(s.dir, "lib", "state.json"), []byte(text), 0o600))
			s.offer("1.2.0")
			if err := s.apply(); !errors.Is(err, state.ErrTorn) {
				t.Errorf("apply: got %v, want %v", err, state.ErrTorn)
			}
			s.wantChoice("1.0.0", false)
			if got := s.status(); got.Phase != handover.Lost {
				t.Errorf("got %+v, want phase %s", got, handover.Lost)
			}
			s.update("1.2.0")
		})
	}
	t.Run("folder", func(t *testing.T) {
		s := newScene(t)
		s.must(os.Mkdir(filepath.Join(s.dir, "lib", "state.json"), 0o700))
		s.wantChoice("1.0.0", false)
	})
}
