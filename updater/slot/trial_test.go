package slot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
)

func TestAGoodUpdateAfterTheOther(t *testing.T) {
	s := newScene(t)
	s.wantChoice("1.0.0", false)
	for i := 1; i <= 4; i++ { // each slot is written twice
		v := fmt.Sprintf("1.%d.0", i)
		s.update(v)
		s.wantChoice(v, false)
		if got := s.status(); got.Phase != handover.Good || got.Active != v {
			t.Errorf("got %s %s, want %s %s", got.Phase, got.Active, handover.Good, v)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "home", "*", "bin", ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if s.put("request-nothing", nil); !exists(s.inbox("request-nothing")) || exists(s.inbox(handover.RequestApply)) {
		t.Error("a request stayed, or more than requests were taken")
	}
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// How a candidate can fail, and what is known afterwards.
func TestABadCandidateIsRolledBack(t *testing.T) {
	for name, c := range map[string]struct {
		end    [3]string
		class  handover.Class
		starts int // until it is given up
		phase  handover.Phase
		again  string // the code that a second offer gets
		says   string
	}{
		"crash at start":      {[3]string{"exit-code", "exited", "2"}, handover.Crash, 3, handover.RolledBack, "bad", "failed on this host: it "},
		"signal":              {[3]string{"core-dump", "dumped", "SEGV"}, handover.Crash, 3, handover.RolledBack, "bad", "failed on this host: it "},
		"out of memory":       {[3]string{"oom-kill", "killed", "KILL"}, handover.Crash, 3, handover.RolledBack, "bad", "failed on this host: it "},
		"invalid settings":    {[3]string{"exit-code", "exited", "5"}, handover.Crash, 3, handover.RolledBack, "bad", "failed on this host: it "},
		"never ready":         {[3]string{"timeout", "killed", "TERM"}, handover.Hang, 1, handover.RolledBack, "bad", "failed on this host: it "},
		"watchdog":            {[3]string{"watchdog", "killed", "ABRT"}, handover.Hang, 1, handover.RolledBack, "bad", "failed on this host: it "},
		"not executable":      {[3]string{"exit-code", "exited", "203"}, handover.Policy, 1, handover.Blocked, "blocked", "this host does not let release 1.2.0 run (it ended: exit-code exited 203)"},
		"always wants again":  {[3]string{"success", "exited", "75"}, handover.Clean, 10, handover.RolledBack, "bad", "failed on this host: it "},
		"no place to run":     {[3]string{"exit-code", "exited", "226"}, handover.Environment, 10, handover.RolledBack, "bad", "failed on this host: it "},
		"nobody says it ends": {[3]string{}, handover.Crash, 3, handover.RolledBack, "bad", "failed on this host: it "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.update("1.1.0")
			s.offer("1.2.0")
			s.must(s.apply())
			for range c.starts {
				s.wantChoice("1.2.0", true)
				if c.end[0] != "" {
					s.ended(c.end[0], c.end[1], c.end[2], c.class)
				}
			}
			s.wantChoice("1.1.0", false)
			if got := s.status(); got.Phase != c.phase || got.Active != "1.1.0" || got.Candidate != nil {
				t.Errorf("got %+v, want %s and 1.1.0", got, c.phase)
			}
			s.offer("1.2.0")
			s.wantCode(s.apply(), c.again, c.says)
			s.update("1.3.0") // the next release is not held responsible
		})
	}
}

func TestWhatTheHostDoesIsNotTheCandidatesFault(t *testing.T) {
	s := newScene(t)
	s.offer("1.1.0")
	s.must(s.apply())
	for range 5 {
		s.wantChoice("1.1.0", true)
		s.ended("success", "killed", "TERM", handover.Clean)
	}
	s.wantChoice("1.1.0", true)
	s.bless(slot.Blessed)
}

func TestHealthOfAnEarlierProgramBlessesNobody(t *testing.T) {
	s := newScene(t)
	s.offer("1.1.0")
	s.must(s.apply())
	s.bless(slot.NoTrial) // it was not started
	s.put(handover.RequestHealthy, nil)
	s.wantChoice("1.1.0", true)
	if got, err := s.slots().Bless(); err != nil || got != slot.Pending {
		t.Errorf("got %q and %v, want %q: the request is older than the start", got, err, slot.Pending)
	}
	s.ended("exit-code", "exited", "1", handover.Crash)
	s.bless(slot.NoTrial) // it does not run
}

func TestReadyButNeverHealthy(t *testing.T) {
	s := newScene(t)
	s.wantChoice("1.0.0", false)
	s.offer("1.1.0")
	s.must(s.apply())
	s.wantChoice("1.1.0", true)
	cfg := s.config()
	cfg.Probation = 1 // a nanosecond
	if got, err := slot.New(cfg).Bless(); err != nil || got != slot.Overdue {
		t.Fatalf("got %q and %v, want %q", got, err, slot.Overdue)
	}
	s.ended("success", "killed", "TERM", handover.Clean)
	s.wantChoice("1.0.0", false)
	s.offer("1.1.0")
	s.wantCode(s.apply(), "bad", "it was not healthy within 1ns")
}

func TestTheActiveReleaseLosesNothingByACrash(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	for range 5 {
		s.wantChoice("1.1.0", false)
		s.ended("exit-code", "exited", "1", handover.Crash)
	}
	s.wantChoice("1.1.0", false)
	// Where the host's policy turned against slots, the package's program is left.
	s.ended("exit-code", "exited", "203", handover.Policy)
	s.wantChoice("1.0.0", false)
	s.must(s.slots().Resume())
	s.wantChoice("1.1.0", false)
}

func TestOnTrialNothingIsApplied(t *testing.T) {
	s := newScene(t)
	s.offer("1.1.0")
	s.must(s.apply())
	s.offer("1.2.0") // the candidate that nobody started is replaced
	s.must(s.apply())
	s.wantChoice("1.2.0", true)
	s.offer("1.3.0")
	s.wantCode(s.apply(), "on_trial", "release 1.2.0 is on trial")
	s.bless(slot.Blessed)
}

// TestALostProgramComesAgain: what keeps a release from being installed twice must not keep a host
// from repairing itself.
func TestALostProgramComesAgain(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	s.must(os.Truncate(filepath.Join(s.dir, "home", "a", "bin", "tcenvsvr"), 100))
	s.wantChoice("1.0.0", false)
	s.update("1.1.0")
	s.wantChoice("1.1.0", false)
	s.offer("1.1.0")
	s.wantCode(s.apply(), "same", "release 1.1.0 is what is active")
}

func TestAReleaseThatDoesNotFollowTheRunningOne(t *testing.T) {
	s := newScene(t)
	s.update("1.1.0")
	s.offer("1.0.5")
	s.wantCode(s.apply(), "not_newer", "release 1.0.5 is not newer than 1.1.0")
	s.offer("2.0.0")
	r := describe("2.0.0", version("2.0.0"))
	r.MinFrom = "1.5.0"
	s.publish(r)
	s.wantCode(s.apply(), "min_from", "release 2.0.0 replaces 1.5.0 and later, here is 1.1.0")
	s.wantChoice("1.1.0", false)
}
